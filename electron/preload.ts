import { contextBridge, ipcRenderer } from 'electron';
import type { Bridge } from './ipc/contract.ts';

const listeners = new Map<string, Set<(payload: unknown) => void>>();

ipcRenderer.on('ossea:event', (_event, name: unknown, payload: unknown) => {
  if (typeof name === 'string') for (const listener of listeners.get(name) ?? []) listener(payload);
});

const bridge: Bridge = {
  invoke: (channel, request) => ipcRenderer.invoke('ossea:invoke', channel, request),
  on: (event, listener) => {
    const ofEvent = listeners.get(event) ?? new Set();
    listeners.set(event, ofEvent.add(listener));
    return () => ofEvent.delete(listener);
  },
};

contextBridge.exposeInMainWorld('ossea', bridge);
