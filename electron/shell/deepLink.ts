/** The scheme that the operating system hands to the console. */
export const deepLinkScheme = 'ossea';

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const forms: readonly [RegExp, (appliance: string, item: string) => string][] = [
  [
    new RegExp(`^/(${uuid})/job/(${uuid})$`, 'i'),
    (appliance, item) => `/jobs/${item}?appliance=${appliance}`,
  ],
  [
    new RegExp(`^/(${uuid})/workload/(${uuid})$`, 'i'),
    (appliance, item) => `/workloads/${item}?appliance=${appliance}`,
  ],
  [new RegExp(`^/(${uuid})()$`, 'i'), (appliance) => `/appliances/${appliance}`],
];

/**
 * The screen that a link asks for: `ossea://appliance/<id>`, `…/job/<id>` or `…/workload/<id>`. Undefined for anything else: links come from
 * anywhere, and lead only to places that show something.
 */
export function parseDeepLink(link: string): string | undefined {
  let url: URL;
  try {
    url = new URL(link);
  } catch {
    return undefined;
  }
  if (url.protocol !== `${deepLinkScheme}:` || url.host !== 'appliance') return undefined;
  for (const [form, screen] of forms) {
    const match = form.exec(url.pathname.replace(/\/$/, ''));
    if (match?.[1] !== undefined) return screen(match[1], match[2] ?? '');
  }
  return undefined;
}

/** The link among a program's arguments, if there is one: this is how Windows and Linux hand it over. */
export function deepLinkOf(programArguments: readonly string[]): string | undefined {
  return programArguments.find((argument) => argument.startsWith(`${deepLinkScheme}://`));
}
