import {
  MAX_BODY_BYTES_PER_MINUTE,
  MAX_CONCURRENT,
  MAX_CONCURRENT_PER_CALLER,
  MAX_REQUESTS_PER_MINUTE,
} from '../api/service-limits.ts'

/** What may be under way, how often, and how much. Tests have smaller ones. */
export interface AdmissionBounds {
  readonly concurrent: number
  readonly concurrentPerCaller: number
  readonly requestsPerMinute: number
  readonly bodyBytesPerMinute: number
  readonly strangersPerMinute: number
}

/** Counts requests in one server: those under way, and those of a caller in a minute, with their bytes. */
export interface Admission {
  /** Takes a place for one more request; `undefined` where there is none. Call what it answers once. */
  enter(): (() => void) | undefined
  /** The same for a caller that is known by now. */
  enterAs(caller: string, now: number): (() => void) | 'too-many' | 'too-often'
  /** Counts bytes of a caller's body: before they are read, where their number is said. */
  countBytes(caller: string, bytes: number, now: number): 'within' | 'over'
  /** Counts a request that nobody was recognised for. */
  countStranger(now: number): 'within' | 'over'
  /** Requests under way. */
  countInFlight(): number
}

const MINUTE_MS = 60_000

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
  /** All counts begin anew with each minute: a map of names is never larger than one minute's. */
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
      return limitToOneCall(() => {
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
      return limitToOneCall(() => {
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

function limitToOneCall(work: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) work()
    isDone = true
  }
}
