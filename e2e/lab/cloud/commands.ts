import { accountCommands } from './accounts.ts';
import { attachmentCommands } from './attachments.ts';
import { catalogueCommands } from './catalogue.ts';
import type { Commands } from './command.ts';
import { consoleCommands } from './console/console.ts';
import { deployCommands } from './deploy.ts';
import { importCommands } from './imports.ts';
import { machineCommands } from './machines.ts';
import { networkCommands } from './networks.ts';
import { snapshotCommands } from './snapshots.ts';
import { emptyLists, listApisOver, systemCommands } from './system.ts';
import { tagCommands } from './tags.ts';
import { vmSnapshotCommands } from './vmSnapshots.ts';
import { volumeCommands } from './volumes.ts';

const declared: Commands = {
  ...systemCommands,
  ...accountCommands,
  ...catalogueCommands,
  ...networkCommands,
  ...volumeCommands,
  ...attachmentCommands,
  ...snapshotCommands,
  ...vmSnapshotCommands,
  ...deployCommands,
  ...machineCommands,
  ...consoleCommands,
  ...importCommands,
  ...tagCommands,
  ...emptyLists,
};

/** Every command of the lab's cloud by its name. */
export const commands: Commands = { ...declared, listApis: listApisOver(declared) };
