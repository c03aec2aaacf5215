import { Alert, Button, Container, Group, List, Paper, Stack, Stepper, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { Brand } from '../../app/Brand.tsx';
import { TargetDefaults } from '../../components/endpoint/TargetDefaults.tsx';
import { HealthDot } from '../../components/HealthDot.tsx';
import { useConsoleMutation, useConsoleQuery } from '../../queries/console.ts';
import { useSetup } from '../../queries/useSetup.ts';
import { NewAppliance } from '../appliances/NewAppliance.tsx';
import { AccountStep } from './AccountStep.tsx';
import { type FirstRunStep, firstRunSteps, obstacleOf } from './firstRunSteps.ts';

/** From a fresh installation to an appliance with both sides, step by step; what is skipped is reminded of. */
export default function FirstRunScreen() {
  const [at, setAt] = useState(-1);
  // A step that becomes done while it is shown stays, so that its end can be read.
  const [doneBefore, setDoneBefore] = useState(false);
  const navigate = useNavigate();
  const update = useConsoleMutation('settings.update', ['settings.get']);
  const { applianceId, status, connected, target, done } = useSetup();
  const skipped = firstRunSteps.filter(({ name }) => !done[name]);
  const step = firstRunSteps[at];
  const go = (to: number) => {
    const entered = firstRunSteps[to];
    setAt(to);
    setDoneBefore(entered !== undefined && done[entered.name]);
  };
  const next = () => go(at + 1);
  const finish = async () => {
    await update.mutateAsync({ firstRunDone: true, skippedSteps: skipped.map(({ name }) => name) });
    await navigate('/overview', { replace: true });
  };
  const obstacle = step && obstacleOf(step.name, { connected, hasTarget: target !== undefined });

  return (
    <Container size="sm" py="xl" component="main">
      <Stack gap="lg">
        {at < 0 ? (
          <Welcome onStart={() => go(0)} onLeave={() => void finish()} />
        ) : (
          <>
            <Group justify="space-between">
              <Title order={1} size="h3">
                {step ? step.title : 'Ready'}
              </Title>
              {status && <HealthDot status={status} />}
            </Group>
            <Stepper active={at} size="xs" onStepClick={go} aria-label="Steps of the first run">
              {firstRunSteps.map(({ name, title }) => (
                <Stepper.Step key={name} label={title} />
              ))}
            </Stepper>
            {step && (
              <Paper withBorder p="lg">
                {doneBefore ? (
                  <Stack gap="sm">
                    <Text role="status">{doneText[step.name]}</Text>
                    <Group justify="flex-end">
                      <Button onClick={next} data-autofocus>
                        Continue
                      </Button>
                    </Group>
                  </Stack>
                ) : (
                  <>
                    {obstacle !== undefined && <Text size="sm">{obstacle}</Text>}
                    {step.name === 'appliance' && <NewAppliance onDone={next} />}
                    {(step.name === 'vcenter' || step.name === 'cloudstack') && (
                      <AccountStep
                        key={step.name}
                        kind={step.name}
                        applianceId={connected ? applianceId : undefined}
                        onDone={next}
                      />
                    )}
                    {step.name === 'defaults' &&
                      obstacle === undefined &&
                      target &&
                      applianceId !== undefined && (
                        <TargetDefaults
                          applianceId={applianceId}
                          target={target}
                          submitLabel="Save defaults"
                          onDone={next}
                        />
                      )}
                  </>
                )}
              </Paper>
            )}
            {!step && <Summary skipped={skipped} onFinish={() => void finish()} />}
            {step && (
              <Group justify="space-between">
                <Button variant="subtle" onClick={() => go(at - 1)}>
                  Back
                </Button>
                {!doneBefore && (
                  <Button variant="subtle" onClick={next}>
                    Skip for now
                  </Button>
                )}
              </Group>
            )}
          </>
        )}
      </Stack>
    </Container>
  );
}

const doneText: Record<FirstRunStep, string> = {
  appliance: 'The appliance is connected and its agent answers.',
  vcenter: 'The vCenter account is in place.',
  cloudstack: 'The CloudStack account is in place.',
  defaults: 'Zone, offerings and network are chosen.',
};

function Welcome({ onStart, onLeave }: { readonly onStart: () => void; readonly onLeave: () => void }) {
  const keychain = useConsoleQuery('keychain.status').data;
  return (
    <>
      <Group gap="sm" wrap="nowrap">
        <Brand size={40} />
        <Title order={1}>Welcome to OSSEA Migrate</Title>
      </Group>
      <Text>
        It carries VMs from vSphere to CloudStack: hours of replication while they run, minutes of downtime,
        and proof that every byte arrived.
      </Text>
      <List spacing="xs">
        <List.Item>
          An appliance, a VM in the target cloud, does the work; it goes on when this window is closed.
        </List.Item>
        <List.Item>
          Passwords and keys stay in the keychain of this computer; the appliance gets them on loan, in
          memory.
        </List.Item>
        <List.Item>Everything can be left out now and done later.</List.Item>
      </List>
      {keychain && keychain.state !== 'available' && (
        <Alert
          color="orange"
          variant="light"
          title={keychain.state === 'locked' ? 'The keychain is locked' : 'There is no keychain'}
        >
          {keychain.detail} Nothing is kept in clear text instead.
        </Alert>
      )}
      <Group>
        <Button onClick={onStart} data-autofocus>
          Set it up
        </Button>
        <Button variant="subtle" onClick={onLeave}>
          Look around first
        </Button>
      </Group>
    </>
  );
}

function Summary({
  skipped,
  onFinish,
}: {
  readonly skipped: readonly (typeof firstRunSteps)[number][];
  readonly onFinish: () => void;
}) {
  return (
    <Paper withBorder p="lg">
      <Stack gap="sm">
        {skipped.length === 0 ? (
          <Text>All is set up. Choose VMs in the inventory and add them to management.</Text>
        ) : (
          <>
            <Text>Still to be done; the overview reminds of it:</Text>
            <List>
              {skipped.map(({ name, reminder }) => (
                <List.Item key={name}>{reminder}</List.Item>
              ))}
            </List>
          </>
        )}
        <Group justify="flex-end">
          <Button onClick={onFinish} data-autofocus>
            Open the console
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}
