import { createHmac } from 'node:crypto';

/** Parameter values as CloudStack takes them; lists are joined by commas, undefined is left out. */
export type Parameters = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface SigningKeys {
  readonly apiKey: string;
  readonly secretKey: string;
}

/**
 * Encodes as Java's `URLEncoder` with `+` turned into `%20`, because the server encodes what it received in that way
 * and compares (ApiServer.verifyRequest). `encodeURIComponent` leaves `! ' ( ) ~` alone and Java does not; both leave `*`.
 */
export function encodeValue(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(
    /[!'()~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The parameters in the order in which the server joins them: by key, upper case before lower. */
export function sortedEntries(parameters: Parameters): [string, string][] {
  return Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, string] => [key, Array.isArray(value) ? value.join(',') : String(value)])
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Base64 of the HMAC-SHA1 over the lower-cased query. Keys are not encoded there: `details[0].memory` keeps its brackets. */
export function computeSignature(entries: readonly (readonly [string, string])[], secretKey: string): string {
  const text = entries.map(([key, value]) => `${key}=${encodeValue(value)}`).join('&');
  return createHmac('sha1', secretKey).update(text.toLowerCase()).digest('base64');
}

/** A moment as signature version 3 wants it: `YYYY-MM-DDThh:mm:ss+0000`. */
export function formatExpiry(moment: Date): string {
  return moment.toISOString().replace(/\.\d{3}Z$/, '+0000');
}

/** The signed request in `application/x-www-form-urlencoded` form, for a query string or a POST body. */
export function signRequest(
  command: string,
  parameters: Parameters,
  keys: SigningKeys,
  expiresAt: Date,
): string {
  const entries = sortedEntries({
    ...parameters,
    command,
    apikey: keys.apiKey,
    response: 'json',
    signatureversion: '3',
    expires: formatExpiry(expiresAt),
  });
  const signature = computeSignature(entries, keys.secretKey);
  return [...entries, ['signature', signature] as const]
    .map(([key, value]) => `${encodeValue(key)}=${encodeValue(value)}`)
    .join('&');
}
