// Calls of the API. What goes wrong is a Failure, which can tell it in words.

import {sentence} from './format.js';

const KEY = 'herald.key';
let key = stored();

function stored() {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

/** The key of this session; empty for none. */
export const getKey = () => key;

/** Keeps a key for this session, in this tab only; an empty one is forgotten. */
export function setKey(value) {
  key = value;
  try {
    if (value) {
      sessionStorage.setItem(KEY, value);
    } else {
      sessionStorage.removeItem(KEY);
    }
  } catch {
    // Then it is kept until the page is loaded anew.
  }
}

/** Why a call failed. The status is 0 if there was no answer. */
export class Failure extends Error {
  constructor(status, problem, retryAfter = 0) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  get title() {
    return this.problem.title ?? `HTTP ${this.status}`;
  }

  /** Everything that the answer says, a sentence each. */
  get lines() {
    const {detail, errors = [], faults = [], correlationId} = this.problem;
    return [
      detail && sentence(detail),
      ...errors.map(error => `${error.pointer}: ${error.detail}`),
      ...faults.map(fault),
      this.status >= 500 && correlationId ? `The log has more at ${correlationId}.` : null,
    ].filter(Boolean);
  }
}

/** A fault of the flow, with its place. */
export const fault = ({file, line, detail}) => (file ? `${file}${line ? ':' + line : ''}: ${detail}` : detail);

export const url = path => new URL('../' + path, document.baseURI).href;

/**
 * Makes a call and gives the JSON of its answer.
 *
 * @param path from the root, without a slash before it
 * @param options query, body, and after how many seconds to give up
 */
export async function call(method, path, {query, body, seconds = 10} = {}) {
  const target = new URL(url(path));
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value) {
      target.searchParams.set(name, value);
    }
  }
  const headers = new Headers({Accept: 'application/json'});
  try {
    if (key) {
      headers.set('Authorization', `Bearer ${key}`);
    }
  } catch {
    throw new Failure(401, {title: 'It has characters that no key has'});
  }
  if (body !== undefined) {
    headers.set('Content-Type', 'application/json');
  }
  let response;
  let text;
  try {
    response = await fetch(target, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      signal: AbortSignal.timeout(seconds * 1000),
    });
    text = await response.text();
  } catch (error) {
    throw new Failure(0, {
      title: 'No answer from Herald',
      detail: error.name === 'TimeoutError'
        ? `it did not answer within ${seconds} s`
        : 'it cannot be reached from here: is it running, and is the network up?',
    });
  }
  let json = null;
  try {
    json = text ? JSON.parse(text) : null;
  } catch {
    // A proxy's page, for example.
  }
  if (!response.ok) {
    throw new Failure(
      response.status,
      json ?? {title: `HTTP ${response.status}`, detail: 'the answer is not Herald\'s; is there a proxy between?'},
      Number(response.headers.get('Retry-After')) || 0,
    );
  }
  return json;
}
