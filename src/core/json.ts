// What JSON can say. Cursors, settings and supplier data are passed around as this.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
