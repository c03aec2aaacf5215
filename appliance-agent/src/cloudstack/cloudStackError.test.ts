import { describe, expect, it } from 'vitest';
import { cloudStackError, findErrorBody, jobError } from './cloudStackError.ts';

describe('cloudStackError', () => {
  it.each([
    [401, 'cloudstack.unauthorized', false],
    [405, 'cloudstack.unsupported', false],
    [429, 'cloudstack.throttled', true],
    [430, 'cloudstack.malformed', false],
    [431, 'cloudstack.parameter', false],
    [432, 'cloudstack.unsupported', false],
    [530, 'cloudstack.internal', true],
    [531, 'cloudstack.account', false],
    [532, 'cloudstack.resource-limit', false],
    [533, 'cloudstack.capacity', true],
    [534, 'cloudstack.unavailable', true],
    [535, 'cloudstack.resource-limit', false],
    [536, 'cloudstack.in-use', true],
    [537, 'cloudstack.conflict', false],
    [599, 'cloudstack.protocol', false],
  ])('gives %i the code %s and a remedy', (errorCode, code, retryable) => {
    const error = cloudStackError('attachVolume', errorCode, 'It went wrong.');
    expect(error).toMatchObject({ code, retryable, remedy: expect.stringMatching(/\w+/) });
    expect(error.message).toBe(`CloudStack refused attachVolume: It went wrong (error ${errorCode}).`);
  });

  it.each([
    [
      401,
      "The given command 'importVm' either does not exist, is not available for user.",
      'cloudstack.unsupported',
    ],
    [
      530,
      'Api Discovery plugin was unable to find an api by that name or process any apis',
      'cloudstack.unsupported',
    ],
    [
      431,
      'Unable to attach volume, please specify a VM that does not have VM snapshots',
      'cloudstack.in-use',
    ],
    [431, 'Unable to execute API command createvolume: entity does not exist', 'cloudstack.parameter'],
  ])('reads the text of %i "%s"', (errorCode, text, code) => {
    expect(cloudStackError('a command', errorCode, text).code).toBe(code);
  });
});

describe('jobError', () => {
  it('keeps what the job failed of, and else says that it failed', () => {
    expect(jobError('attachVolume', 533, 'No storage').code).toBe('cloudstack.capacity');
    expect(jobError('attachVolume', 530, 'Host timed out').code).toBe('cloudstack.job-failed');
    expect(jobError('attachVolume', undefined, undefined).message).toContain('no reason given');
  });
});

describe('findErrorBody', () => {
  it('finds the error in either envelope, and none in an answer', () => {
    const inside = { errorcode: 431, errortext: 'no' };
    const found = { errorCode: 431, errorText: 'no' };
    expect(findErrorBody({ errorresponse: inside })).toEqual(found);
    expect(findErrorBody({ createvolumeresponse: inside })).toEqual(found);
    expect(findErrorBody({ listzonesresponse: { count: 0 } })).toBeUndefined();
    expect(findErrorBody('<html>')).toBeUndefined();
  });
});
