import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { SignedReport } from '../../../appliance-agent/src/contract/index.ts';
import type { ReportProof } from '../../../electron/ipc/contract.ts';
import { invoke } from '../../app/bridge.ts';
import { useAgentQuery } from '../../queries/agent.ts';

const words: Record<ReportProof, string> = {
  proven: 'Signature proven: this appliance signed the report, and nothing was changed since.',
  'other-key': 'The signature fits the report, but its key is not the one of this appliance.',
  broken: 'The signature does not fit the report: it is not to be trusted.',
};

interface Props {
  readonly applianceId: string;
  readonly signed: SignedReport;
}

/** Whether the report is what the appliance signed, proven here; and how to prove the file later. */
export function SignatureLine({ applianceId, signed }: Props) {
  const key = useAgentQuery(applianceId, 'reportKey', {}).data?.data;
  const proof = useQuery({
    queryKey: ['report-proof', signed.signature, key?.publicKey],
    queryFn: () => invoke('report.prove', { report: signed, agentKey: key?.publicKey ?? '' }),
    enabled: key !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  }).data;
  const trusted = proof === undefined || proof === 'proven';
  return (
    <Text
      size="xs"
      {...(trusted ? { c: 'dimmed' } : { fw: 600, style: { color: 'var(--mantine-color-error)' } })}
    >
      {proof === undefined ? 'Signed by the appliance.' : words[proof]}
      {key !== undefined && (
        <>
          {' '}
          SHA-256 of the key:{' '}
          <span style={{ fontFamily: 'monospace', overflowWrap: 'anywhere' }}>{key.fingerprint}</span>.
        </>
      )}{' '}
      The signed JSON can be proven anywhere with <code>ossea-agent report verify</code>.
    </Text>
  );
}
