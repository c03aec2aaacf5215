import { createHash } from 'node:crypto';
import { OsseaError } from '../../appliance-agent/src/contract/index.ts';
import type { HostKeyQuestion } from '../ipc/contract.ts';

/** OpenSSH's form of a key's fingerprint: `SHA256:` and unpadded Base64. */
export function hostKeyFingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The key's type, such as `ssh-ed25519`: the first string of its wire form (RFC 4253, 6.6). */
export function hostKeyType(key: Buffer): string {
  if (key.length < 4) return 'unknown';
  const length = key.readUInt32BE(0);
  return length > 64 || key.length < 4 + length ? 'unknown' : key.toString('latin1', 4, 4 + length);
}

/** Thrown where a host key is not trusted; carries what a person must compare. */
export class HostKeyError extends OsseaError {
  readonly question: HostKeyQuestion;

  constructor(question: HostKeyQuestion) {
    super(
      question.trusted === undefined ? 'tunnel.host-key-unknown' : 'tunnel.host-key-changed',
      question.trusted === undefined
        ? `${question.host} shows the ${question.keyType} key ${question.fingerprint}, which is not trusted yet.`
        : `${question.host} shows the ${question.keyType} key ${question.fingerprint}, but ${question.trusted} is trusted.`,
      {
        remedy:
          question.trusted === undefined
            ? 'Compare the fingerprint with the one on the console of the appliance (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then trust it.'
            : 'Do not connect before you know why the key changed: the appliance was installed anew, or someone stands in between. Then trust the new key.',
      },
    );
    this.question = question;
  }
}
