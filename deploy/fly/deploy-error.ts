// An error with a message for the operator: what is wrong, and what to do.

export class DeployError extends Error {
  override readonly name = 'DeployError'
}
