import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import { OsseaError } from '../contract/index.ts';

/** Reads a secret from a file, or from standard input for `-`; line ends at its end are not part of it. */
export async function readSecretFile(option: string, file: string): Promise<string> {
  let content: string;
  try {
    content = file === '-' ? await readText(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new OsseaError('request.invalid', `The file ${file} of ${option} cannot be read (${reason}).`, {
      field: option,
      value: file,
      remedy: `Name a readable file, or "-" for standard input.`,
    });
  }
  const secret = content.replace(/(\r?\n)+$/, '');
  if (secret !== '') return secret;
  throw new OsseaError('request.invalid', `The file ${file} of ${option} is empty.`, {
    field: option,
    value: file,
    remedy: 'Write the secret into it, or leave the option out to be asked.',
  });
}

/** A secret from a file or, without one, asked on the terminal without echo. Never from the command line. */
export async function obtainSecret(
  option: string,
  file: string | undefined,
  question: string,
): Promise<string> {
  if (file !== undefined) return readSecretFile(option, file);
  if (!process.stdin.isTTY) {
    throw new OsseaError('request.invalid', `${question} is needed, and there is no terminal to ask on.`, {
      field: option,
      remedy: `Give ${option} <file>, or ${option} - to read standard input.`,
    });
  }
  const { default: askPassword } = await import('@inquirer/password');
  return askPassword({ message: question, mask: false }, { output: process.stderr });
}

/** Asks a question that only a person may answer. @throws OsseaError `request.invalid` without a terminal. */
export async function confirm(question: string, option: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new OsseaError('request.invalid', `A person must confirm: ${question}`, {
      field: option,
      remedy: `Give ${option} to confirm it without a terminal.`,
    });
  }
  const { default: ask } = await import('@inquirer/confirm');
  return ask({ message: question, default: false }, { output: process.stderr });
}
