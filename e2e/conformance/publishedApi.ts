import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const folder = new URL('../../../shared/contract/', import.meta.url);

/** Set where CloudStack's published API lies beside the project; tests against it are skipped without. */
export const publishedApiMissing: string | undefined = existsSync(folder)
  ? undefined
  : `${fileURLToPath(folder)} is not there`;

const Command = z.object({
  async: z.boolean(),
  params: z.record(z.string(), z.object({ type: z.string(), required: z.boolean().optional() })).nullish(),
});

const Api = z.object({ commands: z.record(z.string(), Command) });

/** CloudStack's 70 commands, as its own Go client declares them. */
export function readPublishedApi(): z.infer<typeof Api> {
  return Api.parse(JSON.parse(readFileSync(new URL('cloudstack-api.json', folder), 'utf8')));
}

/** A recorded answer of a real CloudStack. */
export function readRecordedAnswer(service: string, command: string): unknown {
  const text = readFileSync(new URL(`cloudstack-answers/${service}.json`, folder), 'utf8');
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text))[command];
}

/** Parameters of every request, which the API does not list per command. */
const general = new Set(['command', 'response', 'apikey', 'signature', 'signatureversion', 'expires']);

/** What is wrong with a request by the published API; empty where it fits. */
export function whyUnfit(
  api: z.infer<typeof Api>,
  request: { readonly command: string; readonly parameters: Readonly<Record<string, string>> },
): string[] {
  const command = api.commands[request.command];
  if (!command) return [`${request.command} is no command`];
  const declared = command.params ?? {};
  // `tags[0].key` stands under `tags`.
  const sent = Object.keys(request.parameters)
    .map((name) => name.replace(/\[\d+\].*$/, ''))
    .filter((name) => !general.has(name.toLowerCase()));
  return [
    ...sent
      .filter((name) => !(name in declared))
      .map((name) => `${request.command} has no parameter ${name}`),
    ...Object.entries(declared)
      .filter(([name, { required }]) => required && !sent.includes(name))
      .map(([name]) => `${request.command} lacks ${name}`),
    ...Object.entries(request.parameters)
      .filter(([name, value]) => /^int/.test(declared[name]?.type ?? '') && !/^-?\d+$/.test(value))
      .map(([name, value]) => `${request.command}: ${name} is no number but ${value}`),
  ];
}
