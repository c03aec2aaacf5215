import { createPublicKey, verify } from 'node:crypto';
import type { SignedReport } from '../../appliance-agent/src/contract/index.ts';
import type { ReportProof } from '../ipc/contract.ts';

/**
 * What a report's Ed25519 signature proves, computed here and not by the agent that made it.
 * @param agentKey the SPKI in PEM by which the appliance signs now
 */
export function proveReport({ content, publicKey, signature }: SignedReport, agentKey: string): ReportProof {
  try {
    const key = createPublicKey(publicKey);
    const fits =
      key.asymmetricKeyType === 'ed25519' &&
      verify(null, Buffer.from(content), key, Buffer.from(signature, 'base64'));
    if (!fits) return 'broken';
    return key.equals(createPublicKey(agentKey)) ? 'proven' : 'other-key';
  } catch {
    // No key, or no signature at all.
    return 'broken';
  }
}
