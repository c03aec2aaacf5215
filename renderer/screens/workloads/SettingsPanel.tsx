import { Button, Checkbox, Group, NativeSelect, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { CloudId, keepsMac, type Workload } from '../../../appliance-agent/src/contract/index.ts';
import { formatBytes } from '../../components/format.ts';
import { Panel } from '../../components/Panel.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useAgentMutation, useAgentQuery } from '../../queries/agent.ts';
import { useVm } from '../../queries/inventory/useInventory.ts';
import { ScheduleFields } from './ScheduleFields.tsx';
import { changesOf, choicesWith, formOf, problemsOf, rebase } from './settingsForm.ts';

interface Props {
  readonly applianceId: string;
  readonly workload: Workload;
  /** Why nothing can be changed now. */
  readonly readOnly: string | undefined;
}

interface NicChange {
  readonly networkId?: string;
  readonly testNetworkId?: string;
  readonly keepMac?: boolean;
  readonly address?: string;
}

const discoveryStaleTime = 60_000;

const transports = [
  { value: '', label: 'The best that works' },
  { value: 'vddk', label: 'VDDK' },
  { value: 'folder', label: 'Datastore over HTTPS' },
  { value: 'nbd', label: 'NBD' },
  { value: 'nfc', label: 'NFC export' },
];
const quiesces = [
  { value: 'auto', label: 'Where VMware Tools run' },
  { value: 'always', label: 'Always; fail without' },
  { value: 'never', label: 'Never' },
];
const verifies = [
  { value: 'delta', label: 'Read back what each cycle wrote' },
  { value: 'readback', label: 'Read the whole replica again' },
  { value: 'source', label: 'Compare with the source' },
  { value: 'none', label: 'Do not verify' },
];
const conversions = [
  { value: 'virt-v2v', label: 'With virt-v2v' },
  { value: 'none', label: 'Not at all' },
];
const hardwares = [
  { value: 'virtio-blk', label: 'virtio' },
  { value: 'virtio-scsi', label: 'virtio-scsi' },
  { value: 'emulated', label: 'Emulated: SATA and e1000' },
];
/** How a workload is replicated and what it becomes; what changes goes for the next run. */
export function SettingsPanel({ applianceId, workload, readOnly }: Props) {
  const [form, setForm] = useState(() => formOf(workload));
  const before = useRef(form);
  const update = useAgentMutation(applianceId, 'updateWorkload', ['getWorkload', 'listWorkloads']);
  const discovery = useAgentQuery(
    applianceId,
    'discoverTarget',
    { params: { id: workload.targetId } },
    { staleTime: discoveryStaleTime },
  ).data?.data;
  const vm = useVm(applianceId, workload.sourceId, workload.instanceUuid);
  useEffect(() => {
    const now = formOf(workload);
    const known = before.current;
    before.current = now;
    setForm((old) => rebase(old, known, now));
  }, [workload]);

  const problems = problemsOf(form);
  const changes = changesOf(form, workload);
  const changed = Object.keys(changes).length > 0;
  const networks = discovery?.networks ?? [];
  // Those of the VM, as far as its inventory is known, and those that have a setting.
  const nics = [
    ...(vm?.nics ?? []).map(({ key, label, networkName }) => ({ key, label, now: networkName })),
    ...form.nics
      .filter(({ key }) => !vm?.nics.some((nic) => nic.key === key))
      .map(({ key }) => ({ key, label: `Network adapter ${key}`, now: undefined })),
  ];
  const setNic = (key: (typeof nics)[number]['key'], change: NicChange) =>
    setForm((old) => {
      const known = old.nics.find((nic) => nic.key === key);
      const others = old.nics.filter((nic) => nic.key !== key);
      const networkId = change.networkId ?? known?.networkId ?? '';
      if (networkId === '') return { ...old, nics: others };
      const keepMac = change.keepMac ?? keepsMac(old, key);
      const testNetworkId = change.testNetworkId ?? known?.testNetworkId ?? '';
      const address = (change.address ?? known?.address ?? '').trim();
      const nic = {
        key,
        networkId: CloudId.parse(networkId),
        ...(testNetworkId !== '' && { testNetworkId: CloudId.parse(testNetworkId) }),
        keepMac,
        ...(address !== '' && { address }),
      };
      return {
        ...old,
        nics: known ? old.nics.map((one) => (one.key === key ? nic : one)) : [...others, nic],
      };
    });

  return (
    <Panel title="Settings">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          update.mutate({ params: { id: workload.id }, body: changes }, { onError: tellProblem });
        }}
      >
        <fieldset disabled={readOnly !== undefined} style={{ border: 0, padding: 0, margin: 0 }}>
          <Stack gap="md">
            <SimpleGrid cols={{ base: 1, xs: 2, lg: 3 }} spacing="md">
              <TextInput
                label="Name on the target"
                placeholder={workload.name}
                value={form.targetName}
                error={problems.targetName}
                onChange={(event) => setForm({ ...form, targetName: event.currentTarget.value })}
              />
              <NativeSelect
                label="Compute offering"
                data={choicesWith(discovery?.serviceOfferings ?? [], form.serviceOfferingId)}
                value={form.serviceOfferingId}
                onChange={(event) => setForm({ ...form, serviceOfferingId: event.currentTarget.value })}
              />
              <NativeSelect
                label="Transport"
                data={transports}
                value={form.transport}
                onChange={(event) => setForm({ ...form, transport: event.currentTarget.value })}
              />
              <NativeSelect
                label="Quiesce the guest"
                data={quiesces}
                value={form.quiesce}
                onChange={(event) => setForm({ ...form, quiesce: event.currentTarget.value })}
              />
              <NativeSelect
                label="Verify after each replication"
                data={verifies}
                value={form.verify}
                onChange={(event) => setForm({ ...form, verify: event.currentTarget.value })}
              />
              <ScheduleFields
                schedule={form.schedule}
                rpoGoal={form.rpoGoal}
                problems={problems}
                onChange={(change) => setForm({ ...form, ...change })}
              />
              <NativeSelect
                label="Prepare the guest for KVM"
                data={conversions}
                value={form.conversion}
                onChange={(event) => setForm({ ...form, conversion: event.currentTarget.value })}
              />
              <NativeSelect
                label="Hardware on the target"
                data={hardwares}
                value={form.hardware}
                onChange={(event) => setForm({ ...form, hardware: event.currentTarget.value })}
              />
              {workload.disks.map((disk) => (
                <NativeSelect
                  key={disk.key}
                  label={`Disk offering of ${disk.label}`}
                  description={
                    disk.volumeId === undefined
                      ? formatBytes(disk.capacityBytes)
                      : `${formatBytes(disk.capacityBytes)}; its volume exists already`
                  }
                  data={choicesWith(
                    discovery?.diskOfferings ?? [],
                    form.disks[disk.key] ?? disk.diskOfferingId ?? '',
                  )}
                  disabled={disk.volumeId !== undefined}
                  value={form.disks[disk.key] ?? disk.diskOfferingId ?? ''}
                  onChange={({ currentTarget: { value } }) =>
                    setForm({ ...form, disks: { ...form.disks, [disk.key]: value } })
                  }
                />
              ))}
            </SimpleGrid>
            {nics.map(({ key, label, now }) => {
              const chosen = form.nics.find((nic) => nic.key === key);
              return (
                <Group key={key} gap="md" align="flex-end">
                  <NativeSelect
                    w={300}
                    label={now === undefined ? label : `${label}, now on ${now}`}
                    data={choicesWith(networks, chosen?.networkId ?? '')}
                    value={chosen?.networkId ?? ''}
                    onChange={(event) => setNic(key, { networkId: event.currentTarget.value })}
                  />
                  <NativeSelect
                    w={220}
                    label="In a test"
                    disabled={chosen === undefined}
                    data={choicesWith(networks, chosen?.testNetworkId ?? '').map((choice) =>
                      choice.value === '' ? { value: '', label: 'Chosen with the test' } : choice,
                    )}
                    value={chosen?.testNetworkId ?? ''}
                    onChange={(event) => setNic(key, { testNetworkId: event.currentTarget.value })}
                  />
                  <TextInput
                    w={150}
                    label="Address"
                    placeholder="CloudStack chooses"
                    disabled={chosen === undefined}
                    value={chosen?.address ?? ''}
                    onChange={(event) => setNic(key, { address: event.currentTarget.value })}
                  />
                  <Checkbox
                    mb={9}
                    label="Keep its MAC address"
                    disabled={chosen === undefined}
                    checked={keepsMac(form, key)}
                    onChange={(event) => setNic(key, { keepMac: event.currentTarget.checked })}
                  />
                  <TextInput
                    w={300}
                    label="Addresses in the guest"
                    placeholder="It keeps what it has"
                    value={form.addresses[key] ?? ''}
                    error={problems.addresses?.[key]}
                    onChange={({ currentTarget: { value } }) =>
                      setForm({ ...form, addresses: { ...form.addresses, [key]: value } })
                    }
                  />
                </Group>
              );
            })}
            <Group justify="flex-end" gap="xs">
              <Text size="sm" c="dimmed" role="status">
                {readOnly ?? (changed ? 'Not saved yet; goes for the next run.' : '')}
              </Text>
              <Button variant="default" disabled={!changed} onClick={() => setForm(formOf(workload))}>
                Discard
              </Button>
              <Button
                type="submit"
                disabled={!changed || Object.keys(problems).length > 0}
                loading={update.isPending}
              >
                Save
              </Button>
            </Group>
          </Stack>
        </fieldset>
      </form>
    </Panel>
  );
}
