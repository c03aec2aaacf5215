import { MoRef } from '../contract/index.ts';
import { child, text, type XmlInput, type XmlValue } from './xml.ts';

/** A reference to a managed object: its type is needed in requests, the value alone names it within a vCenter. */
export interface ManagedObject {
  readonly type: string;
  readonly value: MoRef;
}

export function managedObject(type: string, value: string): ManagedObject {
  return { type, value: MoRef.parse(value) };
}

/** As an element of a request. */
export function reference({ type, value }: ManagedObject): XmlInput {
  return { '@type': type, '#text': value };
}

/** Reads a reference out of an answer; undefined where there is none. */
export function readReference(value: XmlValue | undefined): ManagedObject | undefined {
  const name = text(value);
  if (name === undefined || name === '') return undefined;
  return managedObject(text(child(value, '@type')) ?? '', name);
}
