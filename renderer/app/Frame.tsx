import { ActionIcon, AppShell, Badge, Burger, Group, NavLink, Select, Text, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { spotlight } from '@mantine/spotlight';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import { Outlet, NavLink as RouterLink, useLocation, useSearchParams } from 'react-router';
import { HealthBanner } from '../components/HealthBanner.tsx';
import { HealthDot } from '../components/HealthDot.tsx';
import { needsPerson } from '../components/job/jobWords.ts';
import { QuestionBanner } from '../components/QuestionBanner.tsx';
import { useAgentQuery } from '../queries/agent.ts';
import { useConsoleQuery } from '../queries/console.ts';
import { shownAppliance, useApplianceChoice } from '../stores/appliance.ts';
import { Brand } from './Brand.tsx';
import styles from './Frame.module.css';
import { KeychainDialog } from './KeychainDialog.tsx';
import { screens } from './screens.ts';

/** The appliance that is shown: the one that a link names, else the chosen one, else the default, else the first. */
function useChosenAppliance() {
  const { applianceId, choose } = useApplianceChoice();
  const [address, setAddress] = useSearchParams();
  const linked = address.get('appliance');
  const profiles = useConsoleQuery('profiles.list').data ?? [];
  const fallback = useConsoleQuery('profiles.defaults').data?.appliance;
  const appliances = profiles.filter((profile) => profile.kind === 'appliance');
  const shown = shownAppliance(
    appliances.map(({ id }) => id),
    applianceId,
    fallback,
  );
  useEffect(() => {
    if (shown !== undefined && shown !== applianceId) choose(shown);
  }, [shown, applianceId, choose]);
  const known = appliances.some(({ id }) => id === linked);
  useEffect(() => {
    if (linked === null || !known) return;
    choose(linked);
    // Chosen once: who chooses another one then, shall have it.
    setAddress(
      (old) => {
        old.delete('appliance');
        return old;
      },
      { replace: true },
    );
  }, [linked, known, choose, setAddress]);
  return { appliances, applianceId: shown, choose };
}

/** How many workloads and jobs stand still until somebody does something, and those of the jobs. */
function useNeedingSomeone(applianceId: string | undefined) {
  const workloads = useAgentQuery(applianceId, 'listWorkloads', {}).data?.data.items ?? [];
  const answer = useAgentQuery(applianceId, 'listJobs', { query: { state: 'waiting', limit: 50 } });
  const waiting = (answer.data?.data.items ?? []).filter(needsPerson);
  return {
    needing: workloads.filter(({ attention }) => attention !== undefined).length + waiting.length,
    waiting,
  };
}

/** Navigation, appliance and health around every screen. */
export function Frame() {
  const [opened, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  const screen = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another screen begins at its top
  useEffect(() => screen.current?.scrollTo(0, 0), [pathname]);
  const { appliances, applianceId, choose } = useChosenAppliance();
  const status = useConsoleQuery('appliances.status').data?.find(({ id }) => id === applianceId);
  const { needing, waiting } = useNeedingSomeone(applianceId);

  useEffect(() => {
    performance.mark('interactive');
  }, []);
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={0}
    >
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
            <Brand />
            <Text fw={700} component="span">
              OSSEA Migrate
            </Text>
          </Group>
          <Group gap="sm" wrap="nowrap">
            {status && <HealthDot status={status} />}
            <Select
              aria-label="Appliance"
              placeholder="No appliance yet"
              size="xs"
              w={220}
              allowDeselect={false}
              data={appliances.map(({ id, name }) => ({ value: id, label: name }))}
              value={applianceId ?? null}
              onChange={(value) => choose(value ?? undefined)}
            />
            <Tooltip label="Find anything (Ctrl K)">
              <ActionIcon
                variant="default"
                size="md"
                aria-label="Open the command palette"
                onClick={spotlight.open}
              >
                <IconSearch size={16} />
              </ActionIcon>
            </Tooltip>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="nav" aria-label="Screens">
        {screens.map(({ path, title, shortcut, icon: Icon }) => (
          <NavLink
            key={path}
            component={RouterLink}
            to={path}
            label={title}
            leftSection={<Icon size={18} stroke={1.6} aria-hidden />}
            active={pathname.startsWith(path)}
            aria-keyshortcuts={`Control+${shortcut}`}
            onClick={close}
            rightSection={
              path === '/overview' && needing > 0 ? (
                <Badge size="sm" color="red" variant="filled" aria-label={`${needing} need someone`}>
                  {needing}
                </Badge>
              ) : undefined
            }
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main style={{ display: 'flex', flexDirection: 'column', height: '100dvh' }}>
        {status && <HealthBanner status={status} />}
        <QuestionBanner waiting={waiting} />
        <KeychainDialog />
        <div ref={screen} className={styles.screen} data-screen>
          <Outlet />
        </div>
      </AppShell.Main>
    </AppShell>
  );
}
