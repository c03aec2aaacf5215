import { z } from 'zod';
import { type ErrorCode, OsseaError } from '../contract/index.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly remedy: string;
  /** May the same request succeed later without a change? */
  readonly retryable: boolean;
}

/** CloudStack's error codes (ApiErrorCode.java), what they mean to us, and what a person can do. */
const meanings: Readonly<Record<number, Meaning>> = {
  401: {
    code: 'cloudstack.unauthorized',
    remedy:
      'Check the API key and the secret key, that the user is enabled, and that the clocks of the appliance and of CloudStack agree.',
    retryable: false,
  },
  405: {
    code: 'cloudstack.unsupported',
    remedy: 'Check the address: it is that of the API, such as https://cloud.example/client/api.',
    retryable: false,
  },
  429: {
    code: 'cloudstack.throttled',
    remedy: 'Run fewer jobs at a time, or have api.throttling.max raised for the account.',
    retryable: true,
  },
  430: {
    code: 'cloudstack.malformed',
    remedy: 'Report this with the log: the request does not fit this version of CloudStack.',
    retryable: false,
  },
  431: {
    code: 'cloudstack.parameter',
    remedy: 'Choose the value that the message names again; it may have been removed from the cloud.',
    retryable: false,
  },
  432: {
    code: 'cloudstack.unsupported',
    remedy: 'Use a CloudStack that offers this command, or have the role of the account extended by it.',
    retryable: false,
  },
  530: {
    code: 'cloudstack.internal',
    remedy: 'Try again; if it stays, look into the log of the management server.',
    retryable: true,
  },
  531: {
    code: 'cloudstack.account',
    remedy: 'Check that the account owns the resource and is allowed to use it.',
    retryable: false,
  },
  532: {
    code: 'cloudstack.resource-limit',
    remedy: 'Have the limit of the account, domain or project raised, or remove what is not needed.',
    retryable: false,
  },
  533: {
    code: 'cloudstack.capacity',
    remedy: 'Free capacity in the zone, or choose an offering that fits other storage or hosts.',
    retryable: true,
  },
  534: {
    code: 'cloudstack.unavailable',
    remedy: 'Check that hosts, storage pools and system VMs of the zone are up.',
    retryable: true,
  },
  535: {
    code: 'cloudstack.resource-limit',
    remedy: 'Have the limit of the account, domain or project raised, or remove what is not needed.',
    retryable: false,
  },
  536: {
    code: 'cloudstack.in-use',
    remedy: 'Wait until the resource is not used any more, then try again.',
    retryable: true,
  },
  537: {
    code: 'cloudstack.conflict',
    remedy: 'Remove the conflicting rule or address, or choose another.',
    retryable: false,
  },
};

/** Texts that mean something else than their code says. */
const texts: readonly { readonly pattern: RegExp; readonly meaning: Meaning }[] = [
  {
    // A role without the command gets 401 in older and 432 in newer versions; listApis of an unknown name 530 or 431.
    pattern: /given command .* does not exist|API name .* not available|unable to find an api by that name/i,
    meaning: {
      code: 'cloudstack.unsupported',
      remedy: 'Use a CloudStack that offers this command, or have the role of the account extended by it.',
      retryable: false,
    },
  },
  {
    // From storage without snapshots, and from KVM where kvm.snapshot.enabled is off.
    pattern:
      /snapshots? (?:is|are) (?:not supported|disabled)|find (?:a )?snapshot strategy|does not support (?:volume )?snapshots/i,
    meaning: {
      code: 'cloudstack.unsupported',
      remedy: 'Use storage that can take snapshots of volumes, or have kvm.snapshot.enabled set.',
      retryable: false,
    },
  },
  {
    pattern: /VM snapshots?\b.*\b(?:attach|detach)|(?:attach|detach)\b.*\bVM snapshots?/i,
    meaning: {
      code: 'cloudstack.in-use',
      remedy:
        'Delete the VM snapshots of the VM: CloudStack attaches and detaches no volume while there are any.',
      retryable: false,
    },
  },
];

const unknownMeaning: Meaning = {
  code: 'cloudstack.protocol',
  remedy: 'Check the address, and what stands between the appliance and CloudStack.',
  retryable: false,
};

/** An error that CloudStack reported, with the code and remedy that belong to it. */
export function cloudStackError(subject: string, errorCode: number, errorText: string): OsseaError {
  const meaning =
    texts.find(({ pattern }) => pattern.test(errorText))?.meaning ?? meanings[errorCode] ?? unknownMeaning;
  const text = errorText.trim().replace(/\.$/, '') || 'no reason given';
  return new OsseaError(meaning.code, `CloudStack refused ${subject}: ${text} (error ${errorCode}).`, {
    remedy: meaning.remedy,
    retryable: meaning.retryable,
  });
}

/** A failed asynchronous job. An unspecific failure keeps the code of a failed job. */
export function jobError(
  subject: string,
  errorCode: number | undefined,
  errorText: string | undefined,
): OsseaError {
  const specific = cloudStackError(subject, errorCode ?? 530, errorText ?? '');
  if (specific.code !== 'cloudstack.internal' && specific.code !== 'cloudstack.protocol') return specific;
  const text = errorText?.trim().replace(/\.$/, '') || 'no reason given';
  return new OsseaError('cloudstack.job-failed', `The CloudStack job of ${subject} failed: ${text}.`, {
    remedy:
      'Look for the job in CloudStack’s events and in the log of the management server; then try again.',
    retryable: true,
  });
}

const ErrorBody = z.object({
  errorcode: z.coerce.number().int(),
  errortext: z.string().default(''),
});

/** The error inside `{"errorresponse": …}` or `{"<command>response": …}`, if the body holds one. */
export function findErrorBody(body: unknown): { errorCode: number; errorText: string } | undefined {
  const envelope = z.record(z.string(), z.unknown()).safeParse(body);
  if (!envelope.success) return undefined;
  for (const inside of Object.values(envelope.data)) {
    const parsed = ErrorBody.safeParse(inside);
    if (parsed.success) return { errorCode: parsed.data.errorcode, errorText: parsed.data.errortext };
  }
  return undefined;
}

/** The request may or may not have been carried out; only a look at the cloud can tell. */
export function outcomeUnknown(subject: string, reason: string, cause?: unknown): OsseaError {
  return new OsseaError(
    'cloudstack.outcome-unknown',
    `It is not known whether ${subject} took effect: ${reason}.`,
    {
      remedy: 'Repeat the job: it looks for what exists before it asks again.',
      retryable: true,
      cause,
    },
  );
}
