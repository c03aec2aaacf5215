/** The error codes of CloudStack (ApiErrorCode.java); they are HTTP statuses too. */
export const apiErrorCodes = {
  unauthorized: 401,
  methodNotAllowed: 405,
  limitExceeded: 429,
  malformed: 430,
  parameter: 431,
  unsupported: 432,
  internal: 530,
  account: 531,
  accountResourceLimit: 532,
  insufficientCapacity: 533,
  resourceUnavailable: 534,
  resourceAllocation: 535,
  resourceInUse: 536,
  ruleConflict: 537,
} as const;

/** An answer that says no. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;

  constructor(kind: keyof typeof apiErrorCodes, text: string) {
    super(text);
    this.code = apiErrorCodes[kind];
  }
}

/** What CloudStack says when an id names nothing that the caller could see; deleted things are such. */
export function unknownEntity(command: string, parameter: string, value: string): ApiError {
  return new ApiError(
    'parameter',
    `Unable to execute API command ${command.toLowerCase()} due to invalid value. Invalid parameter ${parameter} value=${value} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.`,
  );
}
