import { endUserAccountId } from '@bursar/core/store'

/** Returns the id of a row that has two names. The first name is an id, which has no spaces. */
export function pairId(first: string, second: string): string {
  return `${first} ${second}`
}

/** Returns the two names that `pairId` was given. */
export function splitPairId(id: string): [first: string, second: string] {
  const space = id.indexOf(' ')
  return [id.slice(0, space), id.slice(space + 1)]
}

/** Returns the id of a merchant usage. Ids, hosts and payees have no spaces. */
export function merchantUsageId(account: string, host: string, payee: string): string {
  return `${account} ${host} ${payee}`
}

/** Returns the end user whose account has this id, or undefined if it is another kind of account. */
export function endUserOfAccountId(id: string): string | undefined {
  const prefix = endUserAccountId('')
  return id.startsWith(prefix) ? id.slice(prefix.length) : undefined
}
