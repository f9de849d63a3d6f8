/**
 * What policies can speak of: the schema that they are validated against, and every payment with them.
 *
 * - `pay`: a payment goes on only where a policy permits it, and none forbids it.
 * - `ask`: where one permits this as well, a human is asked first.
 *
 * What is bought is a merchant's: by HTTP the merchant itself, by MCP one of its tools, as `server/tool`.
 * Amounts are millionths of `currency`. A user, an agent or a merchant may be put into groups or
 * categories by `entities`.
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
