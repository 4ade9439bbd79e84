// The type of JSON values, for cursors, settings and supplier data.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
