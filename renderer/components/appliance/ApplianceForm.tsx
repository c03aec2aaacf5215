import {
  Autocomplete,
  Button,
  Group,
  NumberInput,
  PasswordInput,
  SegmentedControl,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { isOsseaError } from '../../../appliance-agent/src/contract/index.ts';
import type { ApplianceProfile, NewProfile, ProfileSecrets } from '../../../electron/ipc/contract.ts';
import { invoke } from '../../app/bridge.ts';
import { useConsoleQuery } from '../../queries/console.ts';
import { ProblemState } from '../ProblemState.tsx';

type Method = ApplianceProfile['authentication']['method'];

interface Props {
  readonly appliance?: ApplianceProfile | undefined;
  /** True where the agent is to be installed: then it issues the token itself. */
  readonly bare?: boolean;
  readonly busy: boolean;
  readonly error: unknown;
  readonly submitLabel: string;
  readonly onSubmit: (profile: NewProfile, secrets: ProfileSecrets) => void;
  readonly onCancel?: (() => void) | undefined;
}

/** How an appliance is reached over SSH. Secrets are typed, never shown: an empty field leaves the kept one as it is. */
export function ApplianceForm({ appliance, bare, busy, error, submitLabel, onSubmit, onCancel }: Props) {
  const known = useConsoleQuery('ssh.hosts').data ?? [];
  const [name, setName] = useState(appliance?.name ?? '');
  const [host, setHost] = useState(appliance?.host ?? '');
  const [port, setPort] = useState(appliance?.port ?? 22);
  const [username, setUsername] = useState(appliance?.username ?? 'root');
  const [method, setMethod] = useState<Method>(appliance?.authentication.method ?? 'key-file');
  const [keyPath, setKeyPath] = useState(
    appliance?.authentication.method === 'key-file' ? appliance.authentication.path : '',
  );
  const [password, setPassword] = useState('');
  const [passphrase, setPassphrase] = useState('');
  const [token, setToken] = useState('');
  const [jumpHosts, setJumpHosts] = useState<string[]>([...(appliance?.jumpHosts ?? [])]);
  const [socketPath, setSocketPath] = useState(appliance?.socketPath ?? '/run/ossea-agent/api.sock');
  const problem = isOsseaError(error) ? error : undefined;
  const errorOf = (...fields: string[]) =>
    problem?.field !== undefined && fields.some((field) => problem.field?.endsWith(field))
      ? `${problem.message} ${problem.remedy ?? ''}`
      : undefined;
  const kept = appliance?.hasSecret ? 'Kept in the keychain; type only to replace it' : '';

  /** A host of `~/.ssh/config` brings its user, port, key and jump hosts along. */
  const chooseHost = (text: string) => {
    const found = known.find(({ alias }) => alias === text);
    setHost(found?.host ?? text);
    if (!found) return;
    setPort(found.port);
    if (found.username !== undefined) setUsername(found.username);
    if (name === '') setName(found.alias);
    setJumpHosts(found.jumpHosts);
    if (found.identityFile !== undefined) {
      setMethod('key-file');
      setKeyPath(found.identityFile);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit(
      {
        kind: 'appliance',
        name: name.trim() || host.trim(),
        host: host.trim(),
        port,
        username: username.trim(),
        authentication: method === 'key-file' ? { method, path: keyPath.trim() } : { method },
        jumpHosts,
        socketPath: socketPath.trim(),
      },
      {
        ...(method === 'password' && password !== '' && { password }),
        ...(method === 'key-file' && passphrase !== '' && { passphrase }),
        ...(token.trim() !== '' && { agentToken: token.trim() }),
      },
    );
  };

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Group gap="sm" align="flex-start" wrap="nowrap">
          <Autocomplete
            label="Host"
            placeholder="appliance.example"
            required
            flex={1}
            data={known.map(({ alias }) => alias)}
            value={host}
            onChange={setHost}
            onOptionSubmit={chooseHost}
            error={errorOf('host')}
            data-autofocus
          />
          <NumberInput
            label="SSH port"
            w={110}
            min={1}
            max={65_535}
            value={port}
            onChange={(value) => setPort(Number(value) || 22)}
          />
        </Group>
        <TextInput
          label="Name"
          description="How you call it here; the host when empty"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={errorOf('name')}
        />
        <TextInput
          label="User name"
          description={
            bare ? 'root, or a user who may use sudo without a password' : 'In the group ossea, or root'
          }
          required
          value={username}
          onChange={(event) => setUsername(event.currentTarget.value)}
        />
        <div>
          <Text size="sm" fw={600} mb={4} id="ssh-login">
            Log in with
          </Text>
          <SegmentedControl
            aria-labelledby="ssh-login"
            value={method}
            onChange={setMethod}
            data={[
              { value: 'key-file', label: 'Key file' },
              { value: 'agent', label: 'ssh-agent' },
              { value: 'password', label: 'Password' },
            ]}
          />
        </div>
        {method === 'key-file' && (
          <>
            <Group gap="xs" align="flex-end" wrap="nowrap">
              <TextInput
                label="Private key"
                placeholder="~/.ssh/id_ed25519"
                required
                flex={1}
                value={keyPath}
                onChange={(event) => setKeyPath(event.currentTarget.value)}
                error={errorOf('authentication.path')}
              />
              <Button
                variant="default"
                onClick={async () => {
                  const path = await invoke('file.chooseKey');
                  if (path !== null) setKeyPath(path);
                }}
              >
                Choose …
              </Button>
            </Group>
            <PasswordInput
              label="Passphrase of the key"
              placeholder={kept || 'Only if it has one'}
              autoComplete="off"
              value={passphrase}
              onChange={(event) => setPassphrase(event.currentTarget.value)}
            />
          </>
        )}
        {method === 'password' && (
          <PasswordInput
            label="Password"
            placeholder={kept}
            required={!appliance?.hasSecret}
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={errorOf('secrets.password')}
          />
        )}
        <TagsInput
          label="Jump hosts"
          description="In order, as user@host:port; empty where the appliance is reached directly"
          value={jumpHosts}
          onChange={setJumpHosts}
          error={errorOf('jumpHosts')}
        />
        {!bare && (
          <>
            <PasswordInput
              label="Access token of the agent"
              description="From “ossea-agent token create” on the appliance"
              placeholder={kept}
              autoComplete="off"
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
              error={errorOf('secrets.agentToken')}
            />
            <TextInput
              label="Socket of the agent"
              value={socketPath}
              onChange={(event) => setSocketPath(event.currentTarget.value)}
              error={errorOf('socketPath')}
            />
          </>
        )}
        {problem && problem.field === undefined && <ProblemState error={problem} />}
        <Group justify="flex-end" gap="xs">
          {onCancel && (
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
          )}
          <Button type="submit" loading={busy}>
            {submitLabel}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
