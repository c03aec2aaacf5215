import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * `java.net.URLEncoder.encode` with `+` made `%20`, which is how CloudStack's server rebuilds what was signed
 * (ApiServer.verifyRequest): of the marks it leaves only `. - * _` alone.
 */
function encodeLikeServer(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()~]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * The signature that the server expects: all parameters but `signature`, sorted by name, values encoded, the whole lower-cased.
 * Names are sorted as they were sent and not encoded, also as the server does.
 */
export function signatureOf(parameters: readonly (readonly [string, string])[], secretKey: string): string {
  const unsigned = parameters
    .filter(([name]) => name.toLowerCase() !== 'signature')
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${name}=${encodeLikeServer(value)}`)
    .join('&')
    .toLowerCase();
  return createHmac('sha1', secretKey).update(unsigned).digest('base64');
}

/** Whether the signature is the expected one, compared in constant time. */
export function signatureMatches(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const expiresForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{4}$/;

/** Whether a request of signature version 3 is still good. `expires` has the form `2026-01-31T12:00:00+0000`. */
export function isFresh(expires: string, now: number): boolean {
  if (!expiresForm.test(expires)) return false;
  const moment = Date.parse(expires.replace(/(\d{2})$/, ':$1'));
  return !Number.isNaN(moment) && moment >= now;
}
