import { Button, Checkbox, Group, Modal, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { invoke } from '../../app/bridge.ts';
import { formatBytes } from '../../components/format.ts';
import { LoadingScreen } from '../../components/LoadingScreen.tsx';
import { ProblemState } from '../../components/ProblemState.tsx';
import { tellProblem } from '../../components/tellProblem.ts';
import styles from './SupportDialog.module.css';
import { bundleBytes, contentOf, exclusion, type SupportFile } from './supportFiles.ts';

const nothing: ReadonlySet<string> = new Set();

/** Shows every file of the bundle whole, and saves those that the user leaves in. */
export function SupportDialog({ onClose }: { readonly onClose: () => void }) {
  // As it was when the dialog opened: what one reads does not change below the eyes.
  const preview = useQuery({
    queryKey: ['support.preview'],
    queryFn: () => invoke('support.preview'),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  return (
    <Modal opened onClose={onClose} title="Support bundle" size={900} centered>
      {preview.isPending && <LoadingScreen />}
      {preview.isError && <ProblemState error={preview.error} onRetry={() => void preview.refetch()} />}
      {preview.data && <Files files={preview.data} onClose={onClose} />}
    </Modal>
  );
}

function Files({ files, onClose }: { readonly files: readonly SupportFile[]; readonly onClose: () => void }) {
  const [excluded, setExcluded] = useState(nothing);
  const [shownName, setShownName] = useState(files[0]?.name);
  const shown = files.find(({ name }) => name === shownName);
  const save = useMutation({
    mutationFn: async () =>
      invoke('support.save', { exclude: exclusion(files, excluded, await invoke('support.preview')) }),
    onSuccess: (path) => {
      if (path === null) return;
      notifications.show({ message: `The support bundle is in ${path}.`, autoClose: 8000 });
      onClose();
    },
    onError: tellProblem,
  });
  const include = (name: string, wanted: boolean) => {
    const next = new Set(excluded);
    if (wanted) next.delete(name);
    else next.add(name);
    setExcluded(next);
  };
  const count = files.filter(({ name }) => !excluded.has(name)).length;
  return (
    <>
      <div className={styles.panes}>
        <ul className={styles.files} aria-label="Files of the bundle">
          {files.map(({ name }) => (
            <li key={name} className={styles.file} data-shown={name === shownName || undefined}>
              <Checkbox
                size="sm"
                aria-label={`Save ${name}`}
                checked={!excluded.has(name)}
                onChange={(event) => include(name, event.currentTarget.checked)}
              />
              <button
                type="button"
                className={styles.name}
                aria-pressed={name === shownName}
                onClick={() => setShownName(name)}
              >
                {name}
                <span className={styles.content}>{contentOf(name)}</span>
              </button>
            </li>
          ))}
        </ul>
        <textarea
          className={styles.text}
          readOnly
          spellCheck={false}
          aria-label={shown ? `Content of ${shown.name}` : 'Content'}
          value={shown?.text ?? ''}
        />
      </div>
      <Group justify="space-between" mt="md">
        <Text size="sm" c="dimmed" role="status">
          {count} of {files.length} files, {formatBytes(bundleBytes(files, excluded))}
        </Text>
        <Group gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            disabled={count === 0}
            title={count === 0 ? 'Every file is left out' : undefined}
            loading={save.isPending}
            onClick={() => save.mutate()}
          >
            Save …
          </Button>
        </Group>
      </Group>
    </>
  );
}
