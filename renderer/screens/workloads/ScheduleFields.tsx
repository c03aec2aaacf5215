import { NativeSelect, TextInput } from '@mantine/core';

interface Props {
  /** As `SettingsForm.schedule`. */
  readonly schedule: string;
  readonly rpoGoal: string;
  readonly problems: { readonly schedule?: string; readonly rpoGoal?: string };
  readonly onChange: (change: { schedule?: string; rpoGoal?: string }) => void;
}

const kinds = [
  { value: 'manual', label: 'By hand' },
  { value: 'every', label: 'Every so many minutes' },
  { value: 'cron', label: 'At times (cron)' },
  { value: 'continuous', label: 'Continuously' },
];
/** What a kind begins with, when it is chosen. */
const firsts: Record<string, string> = { every: 'every 60', cron: 'cron 0 * * * *' };

/** When a workload is replicated by itself, and how old its replica may be. */
export function ScheduleFields({ schedule, rpoGoal, problems, onChange }: Props) {
  const [kind = 'manual', ...rest] = schedule.split(' ');
  const detail = rest.join(' ');
  return (
    <>
      <NativeSelect
        label="Replicate"
        data={kinds}
        value={kind}
        onChange={({ currentTarget: { value } }) => onChange({ schedule: firsts[value] ?? value })}
      />
      {(kind === 'every' || kind === 'cron') && (
        <TextInput
          label={kind === 'every' ? 'Minutes' : 'Minute, hour, day, month, weekday, time zone'}
          value={detail}
          error={problems.schedule}
          onChange={(event) => onChange({ schedule: `${kind} ${event.currentTarget.value}` })}
        />
      )}
      <TextInput
        label="Agreed RPO, minutes"
        placeholder="None"
        inputMode="numeric"
        value={rpoGoal}
        error={problems.rpoGoal}
        onChange={(event) => onChange({ rpoGoal: event.currentTarget.value })}
      />
    </>
  );
}
