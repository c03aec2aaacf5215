import type { ReactNode } from 'react';

/** A column of a `DataTable`. */
export interface DataColumn<T> {
  readonly id: string;
  readonly header: string;
  /** What the rows are sorted by, undefined last; without it the column cannot be sorted. */
  readonly value?: (row: T) => string | number | undefined;
  /** What the cell shows; default: the value as text, whole on hover. */
  readonly cell?: (row: T) => ReactNode;
  /** What stands for the cell in an exported file, where that is not the value. */
  readonly exported?: { readonly header?: string; readonly value: (row: T) => string | number | undefined };
  /** Pixels, until the user chooses another width. */
  readonly width: number;
  readonly align?: 'start' | 'end';
  /** Takes the room that the others leave. */
  readonly grow?: boolean;
  /** Shown only after the user chose it. */
  readonly hidden?: boolean;
  /** Cannot be hidden. */
  readonly always?: boolean;
}

export interface TableSort {
  /** A column's id. */
  readonly id: string;
  readonly desc: boolean;
}
