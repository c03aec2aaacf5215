import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boolean, buildXml, child, children, number, parseXml, text, typeOf } from './xml.ts';

describe('an answer', () => {
  test('one element or several of a name are a list alike', () => {
    const answer = parseXml('<r><one>1</one><many>1</many><many>2</many></r>');
    const root = child(answer, 'r');
    expect(children(root, 'one').map((each) => text(each))).toEqual(['1']);
    expect(children(root, 'many').map((each) => text(each))).toEqual(['1', '2']);
    expect(children(root, 'none')).toEqual([]);
    expect(children(undefined, 'one')).toEqual([]);
    expect(children('a text', 'one')).toEqual([]);
  });

  test('prefixes of elements do not matter', () => {
    const answer = parseXml('<soapenv:Envelope><s:Body><Ok/></s:Body></soapenv:Envelope>');
    expect(text(answer, 'Envelope', 'Body', 'Ok')).toBe('');
  });

  test('texts keep their blanks and lines, with references and CDATA read', () => {
    const answer = parseXml(
      '<r><a> two  words\n</a><b>&lt;&amp;&gt;&quot;&apos;</b><c>&#252;&#x540d;</c><d><![CDATA[a<b]]></d></r>',
    );
    expect(text(answer, 'r', 'a')).toBe(' two  words\n');
    expect(text(answer, 'r', 'b')).toBe('<&>"\'');
    expect(text(answer, 'r', 'c')).toBe('ü名');
    expect(text(answer, 'r', 'd')).toBe('a<b');
  });

  test('an ampersand that was written twice is read once', () => {
    expect(text(parseXml('<r>&amp;lt;</r>'), 'r')).toBe('&lt;');
    expect(text(parseXml('<r a="&amp;amp;"/>'), 'r', '@a')).toBe('&amp;');
  });

  test('what looks like a number stays a text until it is asked for', () => {
    const answer = parseXml('<r><uuid>0012</uuid><big>9007199254740991</big><exp>1e3</exp></r>');
    expect(text(answer, 'r', 'uuid')).toBe('0012');
    expect(number(answer, 'r', 'big')).toBe(Number.MAX_SAFE_INTEGER);
    expect(text(answer, 'r', 'exp')).toBe('1e3');
  });

  test('the text of an element with attributes is its text', () => {
    const answer = parseXml('<r><host type="HostSystem">host-1</host><empty type="HostSystem"/></r>');
    expect(text(answer, 'r', 'host')).toBe('host-1');
    expect(text(answer, 'r', 'host', '@type')).toBe('HostSystem');
    expect(text(answer, 'r', 'empty')).toBe('');
    expect(text(answer, 'r')).toBeUndefined();
  });

  test.each([
    ['xsi', ''],
    ['XMLSchema-instance', ''],
    ['xsi', 'vim25:'],
  ])('the type of an element is found under any prefix (%s, %s)', (prefix, of) => {
    const answer = parseXml(
      `<r><d xmlns:${prefix}="http://www.w3.org/2001/XMLSchema-instance" ${prefix}:type="${of}VirtualDisk"><key>1</key></d><m type="VirtualMachine">vm-1</m></r>`,
    );
    expect(typeOf(child(answer, 'r', 'd'))).toBe('VirtualDisk');
    expect(typeOf(child(answer, 'r', 'm'))).toBe('');
    expect(typeOf(undefined)).toBe('');
  });

  test('name spaces and the blanks between elements are left out', () => {
    const answer = parseXml(
      '<?xml version="1.0"?>\n<r xmlns="urn:vim25" a="1">\n  <b xmlns:x="y">2</b>\n</r>\n',
    );
    expect(answer).toEqual({ r: { '@a': '1', b: '2' } });
  });

  test('characters that XML forbids do not hide what else is there', () => {
    const answer = parseXml('<r><note>a\u000bb</note><more>&#1;</more><name>web</name></r>');
    expect(text(answer, 'r', 'note')).toBe('a\u000bb');
    expect(text(answer, 'r', 'name')).toBe('web');
  });

  test('booleans are spelled in two ways', () => {
    const answer = parseXml('<r><a>true</a><b>1</b><c>false</c><d>0</d></r>');
    expect(['a', 'b', 'c', 'd', 'e'].map((name) => boolean(answer, 'r', name))).toEqual([
      true,
      true,
      false,
      false,
      undefined,
    ]);
  });

  test('a number that is none is refused with its place', () => {
    const answer = parseXml('<r><a>many</a><b/></r>');
    expect(() => number(answer, 'r', 'a')).toThrow('"many" at r.a is not a number');
    expect(number(answer, 'r', 'b')).toBeUndefined();
    expect(number(answer, 'r', 'c')).toBeUndefined();
  });

  test.each([
    '',
    'Service Unavailable',
    '<html><body><br>oops</body></html>',
    '<r><a></r>',
    '<r><a/>',
    '<r>&nowhere;</r>',
    '{"a": 1}',
  ])('what is not XML is refused: %s', (text) => {
    expect(() => parseXml(text)).toThrow();
  });
});

describe('a request', () => {
  test('members keep their order, lists repeat the name, and what is undefined is left out', () => {
    const built = buildXml({ r: { b: 1, a: ['x', 'y'], none: undefined, c: true, empty: '' } });
    expect(built).toBe('<r><b>1</b><a>x</a><a>y</a><c>true</c><empty/></r>');
  });

  test('attributes and text go together, and attributes that say true keep their value', () => {
    const built = buildXml({ r: { '@type': 'Task', '@xsi:type': 'true', '#text': 'task-1' } });
    expect(built).toBe('<r type="Task" xsi:type="true">task-1</r>');
  });

  test('any text comes through as it was, in elements and attributes', () => {
    // Characters that XML 1.0 can hold.
    const anyText = fc
      .string({ unit: 'grapheme', minLength: 1 })
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those that XML forbids
      .filter((one) => !/[\u0000-\u001f\ufffe\uffff]/.test(one));
    fc.assert(
      fc.property(anyText, (value) => {
        const read = parseXml(buildXml({ r: { '@a': value, b: value } }));
        expect(text(read, 'r', 'b')).toBe(value);
        expect(text(read, 'r', '@a')).toBe(value);
      }),
    );
  });

  test.each(['p&ss<word>"\'', ']]>', '&amp;', '  ', 'a\nb'])('%j comes through', (value) => {
    expect(text(parseXml(buildXml({ r: { password: value } })), 'r', 'password')).toBe(value);
  });
});
