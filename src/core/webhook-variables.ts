// The variables of the environment that hold the secrets of webhooks. The database stores no secret.

/** `SECRET` signs; `ADDRESS` is an address that is itself a secret, such as Slack's. */
export type WebhookVariable = 'SECRET' | 'ADDRESS'

/** `price-alerts` → `WEBHOOK_SECRET_PRICE_ALERTS`. */
export function nameWebhookVariable(variable: WebhookVariable, webhook: string): string {
  return `WEBHOOK_${variable}_${webhook.toUpperCase().replaceAll('-', '_')}`
}

/** Returns true if `name` has the form of a variable that `nameWebhookVariable` returns. */
export function isWebhookVariable(name: string): boolean {
  return /^WEBHOOK_(SECRET|ADDRESS)_[A-Z0-9][A-Z0-9_]*$/.test(name)
}
