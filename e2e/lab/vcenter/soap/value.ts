import type { VimType } from './vimSchema.ts';

/** Reference to a managed object. */
export class Reference {
  readonly type: string;
  readonly value: string;

  constructor(type: string, value: string) {
    this.type = type;
    this.value = value;
  }
}

/** A data object of the API, such as `VirtualDisk`. */
export class DataObject {
  readonly type: string;
  readonly fields: Readonly<Record<string, VimValue | undefined>>;

  constructor(type: string, fields: Readonly<Record<string, VimValue | undefined>>) {
    this.type = type;
    this.fields = fields;
  }
}

/** A value in a place whose declared type is `anyType`, so that its type has to be told: `int`, `ArrayOfString`, an enumeration. */
export class TypedValue {
  readonly type: string;
  readonly value: VimValue;

  constructor(type: string, value: VimValue) {
    this.type = type;
    this.value = value;
  }
}

/** A property's value in a place whose declared type is `anyType`, with the type that the property declares. */
export class PropertyValue {
  readonly value: VimValue;
  readonly declared: VimType;

  constructor(value: VimValue, declared: VimType) {
    this.value = value;
    this.declared = declared;
  }
}

export type VimValue =
  | string
  | number
  | boolean
  | Date
  | Reference
  | DataObject
  | TypedValue
  | PropertyValue
  | readonly VimValue[];

/** Shorthand, since the model is made of little else. */
export function vim(type: string, fields: Readonly<Record<string, VimValue | undefined>> = {}): DataObject {
  return new DataObject(type, fields);
}
