import {
  MAX_BODY_BYTES_PER_MINUTE,
  MAX_CONCURRENT,
  MAX_CONCURRENT_PER_CALLER,
  MAX_REQUESTS_PER_MINUTE,
} from '../api/service-limits.ts'

/** The limits of admission. Tests set lower ones. */
export interface AdmissionBounds {
  /** The most requests in flight. */
  readonly concurrent: number
  /** The most requests of one caller in flight. */
  readonly concurrentPerCaller: number
  /** The most requests of one caller in a minute. */
  readonly requestsPerMinute: number
  /** The most bytes of one caller's bodies in a minute. */
  readonly bodyBytesPerMinute: number
  /** The most unauthenticated requests in a minute. */
  readonly strangersPerMinute: number
}

/** The counters of one server: requests in flight, and requests and bytes of each caller in a minute. */
export interface Admission {
  /**
   * Takes a place for one more request, and returns the function that gives the place back. Returns
   * undefined if no place is free.
   */
  enter(): (() => void) | undefined
  /**
   * Takes a place for one more request of a caller, and returns the function that gives the place
   * back. Returns the reason if the caller has too many requests in flight, or sends them too often.
   */
  enterAs(caller: string, now: number): (() => void) | 'too-many' | 'too-often'
  /** Counts bytes of a caller's body, if possible before they are read. */
  countBytes(caller: string, bytes: number, now: number): 'within' | 'over'
  /** Counts an unauthenticated request. */
  countStranger(now: number): 'within' | 'over'
  /** Returns the number of requests in flight. */
  countInFlight(): number
}

const MINUTE_MS = 60_000

/** Creates the counters of one server. */
export function createAdmission({
  concurrent = MAX_CONCURRENT,
  concurrentPerCaller = MAX_CONCURRENT_PER_CALLER,
  requestsPerMinute = MAX_REQUESTS_PER_MINUTE,
  bodyBytesPerMinute = MAX_BODY_BYTES_PER_MINUTE,
  strangersPerMinute,
}: Partial<AdmissionBounds> & Pick<AdmissionBounds, 'strangersPerMinute'>): Admission {
  let openCount = 0
  let minute = 0
  let strangers = 0
  const openOf = new Map<string, number>()
  const recent = new Map<string, number>()
  const bytesOf = new Map<string, number>()
  /** Resets the counts of a minute, so that the maps hold the callers of one minute only. */
  const startMinute = (now: number): void => {
    const current = Math.floor(now / MINUTE_MS)
    if (current === minute) return
    minute = current
    strangers = 0
    recent.clear()
    bytesOf.clear()
  }
  return {
    enter() {
      if (openCount >= concurrent) return undefined
      openCount += 1
      return admitOneCall(() => {
        openCount -= 1
      })
    },
    enterAs(caller, now) {
      startMinute(now)
      const count = (recent.get(caller) ?? 0) + 1
      recent.set(caller, count)
      if (count > requestsPerMinute) return 'too-often'
      const own = openOf.get(caller) ?? 0
      if (own >= concurrentPerCaller) return 'too-many'
      openOf.set(caller, own + 1)
      return admitOneCall(() => {
        const left = (openOf.get(caller) ?? 1) - 1
        if (left === 0) openOf.delete(caller)
        else openOf.set(caller, left)
      })
    },
    countBytes(caller, bytes, now) {
      startMinute(now)
      const total = (bytesOf.get(caller) ?? 0) + bytes
      bytesOf.set(caller, total)
      return total > bodyBytesPerMinute ? 'over' : 'within'
    },
    countStranger(now) {
      startMinute(now)
      strangers += 1
      return strangers > strangersPerMinute ? 'over' : 'within'
    },
    countInFlight: () => openCount,
  }
}

/** Returns a function that runs the work at its first call, and does nothing afterwards. */
function admitOneCall(work: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) work()
    isDone = true
  }
}
