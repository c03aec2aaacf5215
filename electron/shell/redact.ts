/** Keys whose values are secrets wherever they stand. */
const secretKey =
  /^(password|passphrase|secret(key)?|api_?key|token|agenttoken|authorization|cookie|privatekey|credentials?)$/i;

/** Texts that look like secrets though nobody named them. */
const secretTexts: readonly [RegExp, string][] = [
  [/(Bearer\s+)[\w.~+/=-]+/gi, '$1[redacted]'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, '[redacted private key]'],
  [
    /((?:password|passphrase|secret(?:key)?|api_?key|token)["']?\s*[=:]\s*["']?)[^\s"',;&}]+/gi,
    '$1[redacted]',
  ],
  [/(\/\/[^/\s:@]+:)[^@\s/]+@/g, '$1[redacted]@'],
];

/** A text without what looks like a secret. */
export function redactText(text: string): string {
  return secretTexts.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}

/** A copy of any value without secrets, for logs and support bundles. Cycles are cut. */
export function redact(value: unknown, seen: ReadonlySet<object> = new Set()): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return '[circular]';
  const path = new Set(seen).add(value);
  if (Array.isArray(value)) return value.map((item) => redact(item, path));
  if (value instanceof Error) {
    return {
      ...redactEntries(value, path),
      name: value.name,
      message: redactText(value.message),
      stack: redactText(value.stack ?? ''),
    };
  }
  return redactEntries(value, path);
}

function redactEntries(value: object, seen: ReadonlySet<object>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      secretKey.test(key) ? '[redacted]' : redact(item, seen),
    ]),
  );
}
