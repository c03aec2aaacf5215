import { Badge } from '@mantine/core';
import type { ApplianceState, ApplianceStatus } from '../../electron/ipc/contract.ts';

/** The words and colours of an appliance's health, the same everywhere. */
export const healthWords: Record<ApplianceState, { readonly label: string; readonly color: string }> = {
  disconnected: { label: 'Not connected', color: 'gray' },
  connecting: { label: 'Connecting', color: 'blue' },
  online: { label: 'Online', color: 'teal' },
  degraded: { label: 'Slow', color: 'yellow' },
  offline: { label: 'Offline', color: 'red' },
  'needs-attention': { label: 'Needs attention', color: 'orange' },
};

export function HealthDot({ status }: { readonly status: ApplianceStatus }) {
  const { label, color } = healthWords[status.state];
  const latency =
    status.latencyMs !== undefined && status.state !== 'offline'
      ? `, ${Math.round(status.latencyMs)} ms`
      : '';
  return (
    <Badge
      variant="dot"
      color={color}
      size="lg"
      tt="none"
      fw={500}
      title={`Since ${new Date(status.since).toLocaleString()}`}
    >
      {label}
      {latency}
    </Badge>
  );
}
