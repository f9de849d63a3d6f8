/**
 * The schema that policies and payments are validated against.
 *
 * - `pay`: a payment goes on only if a policy permits this action and none forbids it.
 * - `ask`: a human is asked first if a policy permits this action as well.
 *
 * The resource is the merchant of a payment over HTTP, or the tool of one over MCP, as
 * `server/tool`. Amounts are millionths of `currency`. Your `entities` put users, agents, merchants
 * and tools into groups and categories.
 */
export const paymentSchema: string = `namespace Bursar {
  entity Group;
  entity Category;
  entity User in [Group];
  entity Agent in [User, Group];
  entity Merchant in [Category];
  entity Tool in [Merchant, Category];

  type Session = {
    id: String,
    remainingMicro: Long,
    payments: Long,
    expiresAt: datetime,
  };
  type Payment = {
    amountMicro: Long,
    currency: String,
    rail: String,
    scheme: String,
    network: String,
    asset: String,
    payee: String,
    host: String,
    method: String,
    path: String,
    purpose: String,
    claimedHost?: String,
    knownMerchant: Bool,
    instrument: String,
    delegation: String,
    at: datetime,
    session: Session,
  };

  action pay, ask appliesTo {
    principal: Agent,
    resource: [Merchant, Tool],
    context: Payment,
  };
}
`
