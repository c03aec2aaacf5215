import { Button, Group } from '@mantine/core';
import { IconCopy, IconExternalLink } from '@tabler/icons-react';
import { invoke } from '../../app/bridge.ts';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { Panel } from '../../components/Panel.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import { useConsoleQuery } from '../../queries/console.ts';
import styles from './AboutPanel.module.css';
import { aboutText } from './settingsWords.ts';

const documents = [
  { topic: 'documentation', label: 'Documentation' },
  { topic: 'licence', label: 'Licence' },
] as const;

/** Which console this is, and where to read on. */
export function AboutPanel() {
  const info = useConsoleQuery('app.info');
  if (info.isPending) return <LoadingScreen />;
  if (info.isError) return <ProblemState error={info.error} onRetry={() => void info.refetch()} />;
  const { version, electron, platform, dataFolder } = info.data;
  const facts = [
    ['OSSEA Migrate', version],
    ['Electron', electron],
    ['System', platform],
    ['Data folder', dataFolder],
  ] as const;
  return (
    <Panel
      title="About"
      aside={
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconCopy size={14} aria-hidden />}
          onClick={() => void invoke('clipboard.write', { text: aboutText(info.data) }).catch(tellProblem)}
        >
          Copy versions
        </Button>
      }
    >
      <dl className={styles.facts}>
        {facts.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <Group gap="xs">
        {documents.map(({ topic, label }) => (
          <Button
            key={topic}
            size="xs"
            variant="default"
            rightSection={<IconExternalLink size={14} aria-label="opens in the browser" />}
            onClick={() => void invoke('help.open', { topic }).catch(tellProblem)}
          >
            {label}
          </Button>
        ))}
      </Group>
    </Panel>
  );
}
