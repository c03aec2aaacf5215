import { Button, Group, PasswordInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { isOsseaError, type OsseaError } from '../../../appliance-agent/src/contract/index.ts';
import type {
  CloudStackProfile,
  NewProfile,
  ProfileSecrets,
  VcenterProfile,
} from '../../../electron/ipc/contract.ts';
import { ProblemState } from '../../components/ProblemState.tsx';

/** A vCenter or CloudStack account; undefined where a new one is made. */
export type Account = VcenterProfile | CloudStackProfile;

interface Props {
  readonly kind: Account['kind'];
  readonly account?: Account | undefined;
  readonly busy: boolean;
  readonly error: unknown;
  readonly submitLabel: string;
  readonly onSubmit: (profile: NewProfile, secrets: ProfileSecrets) => void;
  readonly onCancel?: (() => void) | undefined;
}

const words = {
  vcenter: { url: 'Address of vCenter or ESXi', example: 'https://vcenter.example/sdk' },
  cloudstack: { url: 'Address of the CloudStack API', example: 'https://cloud.example/client/api' },
} as const;

/** Adds what people leave out: the scheme, and the path of the API. */
function completeUrl(text: string, kind: Account['kind']): string {
  const withScheme = /^https?:\/\//i.test(text.trim()) ? text.trim() : `https://${text.trim()}`;
  try {
    const url = new URL(withScheme);
    if (url.pathname === '/') url.pathname = kind === 'vcenter' ? '/sdk' : '/client/api';
    return url.href;
  } catch {
    return withScheme;
  }
}

/** The fields of an account. Secrets are typed, never shown: an empty field leaves the kept one as it is. */
export function AccountForm({ kind, account, busy, error, submitLabel, onSubmit, onCancel }: Props) {
  const [name, setName] = useState(account?.name ?? '');
  const [url, setUrl] = useState(account?.url ?? '');
  const [username, setUsername] = useState(account?.kind === 'vcenter' ? account.username : '');
  const [password, setPassword] = useState('');
  const [apiKey, setApiKey] = useState('');
  const [secretKey, setSecretKey] = useState('');
  const problem: OsseaError | undefined = isOsseaError(error) ? error : undefined;
  const errorOf = (...fields: string[]) =>
    problem?.field !== undefined && fields.includes(problem.field)
      ? `${problem.message} ${problem.remedy ?? ''}`
      : undefined;
  const kept = account?.hasSecret ? 'Kept in the keychain; type only to replace it' : '';

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const shared = { name: name.trim(), url: completeUrl(url, kind) };
    const secrets: ProfileSecrets = {
      ...(password !== '' && { password }),
      ...(apiKey !== '' && { apiKey: apiKey.trim() }),
      ...(secretKey !== '' && { secretKey: secretKey.trim() }),
    };
    onSubmit(
      kind === 'vcenter' ? { kind, ...shared, username: username.trim() } : { kind, ...shared },
      secrets,
    );
  };

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          label="Name"
          description="How you call it here"
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={errorOf('name', 'profile.name')}
          data-autofocus
        />
        <TextInput
          label={words[kind].url}
          placeholder={words[kind].example}
          required
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
          error={errorOf('url', 'profile.url')}
        />
        {kind === 'vcenter' ? (
          <>
            <TextInput
              label="User name"
              placeholder="migrate@vsphere.local"
              required
              autoComplete="off"
              value={username}
              onChange={(event) => setUsername(event.currentTarget.value)}
              error={errorOf('username', 'profile.username')}
            />
            <PasswordInput
              label="Password"
              placeholder={kept}
              required={!account?.hasSecret}
              autoComplete="new-password"
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              error={errorOf('secrets.password')}
            />
          </>
        ) : (
          <>
            <PasswordInput
              label="API key"
              placeholder={kept}
              required={!account?.hasSecret}
              autoComplete="off"
              value={apiKey}
              onChange={(event) => setApiKey(event.currentTarget.value)}
              error={errorOf('secrets.apiKey')}
            />
            <PasswordInput
              label="Secret key"
              placeholder={kept}
              required={!account?.hasSecret}
              autoComplete="off"
              value={secretKey}
              onChange={(event) => setSecretKey(event.currentTarget.value)}
              error={errorOf('secrets.secretKey')}
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
