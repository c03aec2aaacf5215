import { setTimeout as delay } from 'node:timers/promises';
import type { ManagedObject, Site } from '../inventory/site.ts';
import { VimFault } from '../soap/fault.ts';
import { type DataObject, type Reference, type VimValue, vim } from '../soap/value.ts';
import type { Chances } from './calls.ts';

/** How many ended tasks of an entity `recentTask` tells. */
const keptTasks = 20;

export interface TaskSubject extends ManagedObject {
  readonly name: string;
}

class Task implements ManagedObject {
  readonly ref: Reference;
  readonly method: string;
  readonly subject: TaskSubject;
  readonly username: string;
  readonly queuedAt = new Date();
  state: 'queued' | 'running' | 'success' | 'error' = 'running';
  progress = 0;
  result: VimValue | undefined;
  error: VimFault | undefined;
  completedAt: Date | undefined;

  constructor(ref: Reference, method: string, subject: TaskSubject, username: string) {
    this.ref = ref;
    this.method = method;
    this.subject = subject;
    this.username = username;
  }

  property(name: string): VimValue | undefined {
    return name === 'info' ? this.info() : undefined;
  }

  info(): DataObject {
    const operation = this.method.replace(/_Task$/, '');
    return vim('TaskInfo', {
      key: this.ref.value,
      task: this.ref,
      name: this.method,
      descriptionId: `${this.subject.ref.type}.${operation.slice(0, 1).toLowerCase()}${operation.slice(1)}`,
      entity: this.subject.ref,
      entityName: this.subject.name,
      state: this.state,
      cancelled: false,
      cancelable: false,
      error: this.error?.localized(),
      result: this.result,
      ...(this.state === 'running' && { progress: this.progress }),
      reason: vim('TaskReasonUser', { userName: this.username }),
      queueTime: this.queuedAt,
      startTime: this.queuedAt,
      completeTime: this.completedAt,
      eventChainId: 1,
    });
  }
}

/** Runs tasks and keeps their records, which may vanish as those of ESXi do. */
export class Tasks {
  readonly #site: Site;
  readonly #chances: Chances;
  readonly #recent = new Map<string, Task[]>();
  readonly #running = new Set<Promise<void>>();

  constructor(site: Site, chances: Chances) {
    this.#site = site;
    this.#chances = chances;
    site.recentTasks = (entity) => this.recentOf(entity);
  }

  /** References of an entity's tasks, oldest first. */
  recentOf(entity: Reference | undefined): Reference[] {
    const lists = entity === undefined ? [...this.#recent.values()] : [this.#recent.get(entity.value) ?? []];
    return lists
      .flat()
      .filter((task) => this.#site.find(task.ref.value) !== undefined)
      .map((task) => task.ref);
  }

  /** Starts the work and answers the task at once. What the work throws as a fault becomes the task's error. */
  start(
    method: string,
    subject: TaskSubject,
    username: string,
    work: (task: Reference) => Promise<VimValue | undefined>,
  ): Reference {
    const task = new Task(this.#site.newReference('Task', 'task'), method, subject, username);
    this.#site.add(task);
    const list = this.#recent.get(subject.ref.value) ?? [];
    for (const old of list.splice(0, Math.max(0, list.length - keptTasks))) this.#site.remove(old.ref);
    list.push(task);
    this.#recent.set(subject.ref.value, list);
    this.#site.changed(subject.ref);
    const running = this.#run(task, work).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return task.ref;
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #run(task: Task, work: (task: Reference) => Promise<VimValue | undefined>): Promise<void> {
    try {
      await delay(this.#site.faults.taskMs);
      task.result = await work(task.ref);
      task.state = 'success';
    } catch (error) {
      task.error =
        error instanceof VimFault
          ? error
          : new VimFault('SystemError', 'A general system error occurred.', { reason: String(error) });
      task.state = 'error';
    }
    task.completedAt = new Date();
    this.#site.changed(task.ref);
    this.#site.changed(task.subject.ref);
    if (this.#chances.strikes('taskVanishes', task.method)) this.#site.remove(task.ref);
  }
}
