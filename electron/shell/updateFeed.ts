import { type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';

/** The part of electron-updater's feed (`latest*.yml`) that decides what would be installed. */
export const UpdateFeed = z.object({
  version: z.string().min(1),
  files: z.array(z.object({ url: z.string().min(1), sha512: z.string().min(1) })).min(1),
  /** Ed25519, base64; put there by the release's build. */
  signature: z.string().optional(),
});
export type UpdateFeed = z.infer<typeof UpdateFeed>;

/** What the signature is over. JSON strings, so that no name can pass for a line of its own. */
export function signedText({ version, files }: UpdateFeed): string {
  return ['ossea-migrate update', version, ...files.flatMap(({ url, sha512 }) => [url, sha512])]
    .map((part) => JSON.stringify(part))
    .join('\n');
}

/** Whether the release's key signed the feed. The updater itself checks the file against the SHA-512 of the feed. */
export function isSigned(feed: UpdateFeed, key: KeyObject): boolean {
  if (feed.signature === undefined) return false;
  return verify(null, Buffer.from(signedText(feed)), key, Buffer.from(feed.signature, 'base64'));
}
