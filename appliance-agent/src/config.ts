import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { z } from 'zod';
import { OsseaError } from './contract/index.ts';

const MacAddress = z
  .string()
  .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'expected six hex bytes with colons, such as 02:00:4c:9f:00:01')
  .toLowerCase();

/** What the agent can be told, as keys of the JSON file. Each has an environment variable that goes before it. */
const Settings = z.strictObject({
  /** Holds the embedded database, the copy journals and the key of sealed leases. */
  stateDir: z.string().min(1).default('/var/lib/ossea-agent'),
  /** Holds the sockets and the persistent volume links; emptied by a reboot. */
  runDir: z.string().min(1).default('/run/ossea-agent'),
  /** Undefined: PostgreSQL embedded in `stateDir`. */
  databaseUrl: z
    .url({ protocol: /^postgres(ql)?$/, error: 'expected postgresql://user@host/database' })
    .optional(),
  /** Where the links of attached volumes appear. */
  deviceDir: z.string().min(1).default('/dev/disk/by-id'),
  /** VMware's `vmware-vix-disklib-distrib`, which we may not ship. */
  vddkLibDir: z.string().min(1).optional(),
  /** The ISO of virtio drivers, which Windows guests need and we may not ship. */
  virtioWinIso: z.string().min(1).optional(),
  /** virt-v2v-in-place, which prepares guests for KVM: a name on the PATH, or a path. */
  virtV2v: z.string().min(1).default('virt-v2v-in-place'),
  /** guestfish, which looks into guests and changes their files. */
  guestfish: z.string().min(1).default('guestfish'),
  /** Holds `rhsrvany.exe`, which runs scripts at the first boot of Windows. */
  virtToolsDir: z.string().min(1).default('/usr/share/virt-tools'),
  /** The appliance's MAC addresses, by which its own VM is found in CloudStack; undefined: those of the kernel. */
  applianceMacs: z.array(MacAddress).min(1).optional(),
  /** The longest silence of a source, seconds; then what was asked is asked again. Raise it where arrays fail over slowly. */
  stallSeconds: z.coerce.number().min(1).max(3600).default(30),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** The agent's configuration: read once, validated once, frozen, handed down. */
export type AgentConfig = Readonly<z.infer<typeof Settings>>;

type SettingName = keyof z.infer<typeof Settings>;

const variables: Record<SettingName, string> = {
  stateDir: 'OSSEA_STATE_DIR',
  runDir: 'OSSEA_RUN_DIR',
  databaseUrl: 'DATABASE_URL',
  deviceDir: 'OSSEA_DEVICE_DIR',
  vddkLibDir: 'OSSEA_VDDK_LIBDIR',
  virtV2v: 'OSSEA_VIRT_V2V',
  guestfish: 'OSSEA_GUESTFISH',
  virtToolsDir: 'OSSEA_VIRT_TOOLS_DIR',
  virtioWinIso: 'OSSEA_VIRTIO_WIN_ISO',
  applianceMacs: 'OSSEA_APPLIANCE_MACS',
  stallSeconds: 'OSSEA_STALL_SECONDS',
  logLevel: 'OSSEA_LOG_LEVEL',
};

/** Settings whose value may hold a password and is never shown. */
const secretSettings: readonly string[] = ['databaseUrl'];

function settingNames(): SettingName[] {
  return Object.keys(Settings.shape).filter((name): name is SettingName => name in variables);
}

/** Reads the file named by `OSSEA_CONFIG`. */
function readSettingsFile(path: string): Record<string, unknown> {
  const remedy = `Correct the file, or unset OSSEA_CONFIG to use the defaults.`;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    throw new OsseaError('config.invalid', `The configuration file ${path} cannot be read (${reason}).`, {
      field: 'OSSEA_CONFIG',
      value: path,
      remedy,
      cause: error,
    });
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // V8's message quotes the text around the mistake, which may be a password.
    throw new OsseaError('config.invalid', `The configuration file ${path} is not valid JSON.`, {
      field: 'OSSEA_CONFIG',
      value: path,
      remedy,
    });
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(content);
  if (!parsed.success) {
    throw new OsseaError('config.invalid', `The configuration file ${path} does not hold a JSON object.`, {
      field: 'OSSEA_CONFIG',
      value: path,
      remedy,
    });
  }
  return parsed.data;
}

/**
 * The configuration from the JSON file that `OSSEA_CONFIG` names and the environment, which goes before the file. An empty
 * variable counts as unset; folders become absolute.
 * @throws OsseaError `config.invalid`, naming field, value and remedy.
 */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): AgentConfig {
  const file = environment.OSSEA_CONFIG;
  const given: Record<string, unknown> = file ? readSettingsFile(file) : {};
  const origin = new Map<string, string>();
  for (const name of settingNames()) {
    const text = environment[variables[name]];
    if (!text) continue;
    given[name] = name === 'applianceMacs' ? text.split(',').map((mac) => mac.trim()) : text;
    origin.set(name, `environment variable ${variables[name]}`);
  }
  const parsed = Settings.safeParse(given);
  if (!parsed.success) throw invalidSetting(parsed.error, given, origin, file);
  const settings = parsed.data;
  for (const name of [
    'stateDir',
    'runDir',
    'deviceDir',
    'vddkLibDir',
    'virtioWinIso',
    'virtToolsDir',
  ] as const) {
    if (settings[name] !== undefined) settings[name] = resolve(settings[name]);
  }
  if (settings.applianceMacs) Object.freeze(settings.applianceMacs);
  hideDatabaseUrl(settings);
  return Object.freeze(settings);
}

function invalidSetting(
  error: z.ZodError,
  given: Readonly<Record<string, unknown>>,
  origin: ReadonlyMap<string, string>,
  file: string | undefined,
): OsseaError {
  const issue = error.issues[0];
  if (issue?.code === 'unrecognized_keys') {
    const name = issue.keys[0] ?? '';
    return new OsseaError(
      'config.invalid',
      `The configuration file ${file} has the unknown setting "${name}".`,
      {
        field: name,
        remedy: `Remove it; the settings are ${settingNames().join(', ')}.`,
      },
    );
  }
  const name = String(issue?.path[0] ?? '');
  const where = origin.get(name) ?? `setting "${name}" of ${file}`;
  const value = secretSettings.includes(name) ? undefined : showValue(given[name]);
  return new OsseaError(
    'config.invalid',
    `The ${where} ${value === undefined ? 'is not valid' : `is ${value}, which is not valid`}: ${issue?.message ?? 'unknown reason'}.`,
    { field: name, value, remedy: `Correct the ${where}, or remove it to use the default.` },
  );
}

function showValue(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
}

/** Keeps the database's password out of logs and dumps of the configuration. */
function hideDatabaseUrl(settings: z.infer<typeof Settings>): void {
  const shown = () => ({
    ...settings,
    ...(settings.databaseUrl !== undefined && { databaseUrl: '[hidden]' }),
  });
  Object.defineProperties(settings, {
    toJSON: { value: shown, enumerable: false },
    [inspect.custom]: { value: shown, enumerable: false },
  });
}
