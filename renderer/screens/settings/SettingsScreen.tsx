import { Grid, SegmentedControl, Stack, Switch, Text } from '@mantine/core';
import type { Settings } from '../../../electron/ipc/contract.ts';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Page } from '../../components/Page.tsx';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { useConsoleQuery } from '../../queries/console.ts';
import { AboutPanel } from './AboutPanel.tsx';
import { KeychainPanel } from './KeychainPanel.tsx';
import { SupportPanel } from './SupportPanel.tsx';
import { whyNoUpdates } from './settingsWords.ts';
import { useSettings } from './useSettings.ts';

/** What the user chose for this computer, and what is to be known of it. */
export default function SettingsScreen() {
  const stored = useConsoleQuery('settings.get');
  return (
    <Page title="Settings">
      {stored.isPending && <LoadingScreen />}
      {stored.isError && <ProblemState error={stored.error} onRetry={() => void stored.refetch()} />}
      {stored.data && (
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Choices stored={stored.data} />
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Stack gap="md">
              <KeychainPanel />
              <SupportPanel />
              <AboutPanel />
            </Stack>
          </Grid.Col>
        </Grid>
      )}
    </Page>
  );
}

const themes = [
  { value: 'system', label: 'As the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
] as const satisfies readonly { value: Settings['theme']; label: string }[];

function Choices({ stored }: { readonly stored: Settings }) {
  const { settings, change } = useSettings(stored);
  const info = useConsoleQuery('app.info').data;
  const noUpdates = info && whyNoUpdates(info);
  const toggle = (
    name: 'notifyFinished' | 'notifyAttention' | 'keepAwake' | 'closeToTray' | 'checkForUpdates',
    label: string,
    description: string,
    disabled = false,
  ) => (
    <Switch
      label={label}
      description={description}
      checked={settings[name]}
      disabled={disabled}
      onChange={(event) => change({ [name]: event.currentTarget.checked })}
    />
  );
  return (
    <Stack gap="md">
      <Panel title="Theme">
        <SegmentedControl
          aria-label="Theme"
          data={[...themes]}
          value={settings.theme}
          onChange={(theme) => change({ theme })}
        />
      </Panel>
      <Panel title="Notifications">
        {toggle('notifyFinished', 'When a job has finished', 'With how many of its disks were verified.')}
        {toggle(
          'notifyAttention',
          'When someone is needed',
          'A job failed, or waits for credentials or a decision.',
        )}
      </Panel>
      <Panel title="While jobs run">
        <Text size="sm" c="dimmed">
          Jobs run on the appliance and go on without this computer.
        </Text>
        {toggle(
          'keepAwake',
          'Keep this computer awake',
          'While a job runs, so that its progress and notifications keep coming. The screen may turn off.',
        )}
        {toggle(
          'closeToTray',
          'Stay in the tray when the window is closed',
          'Notifications keep coming. On a desktop without a tray, closing the window quits the console.',
        )}
      </Panel>
      <Panel title="Updates">
        {toggle(
          'checkForUpdates',
          'Look for updates',
          noUpdates ??
            'Every six hours. Only what the release key has signed is installed, when you quit the console.',
          noUpdates !== undefined,
        )}
      </Panel>
    </Stack>
  );
}
