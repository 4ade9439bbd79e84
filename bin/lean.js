// How Node is started so that a run stays under 256 MB: a small young generation, and big buffers that go back to the system
// when they are freed (glibc would keep them: see M_MMAP_THRESHOLD in mallopt(3)).

export const NODE_FLAGS = ['--max-semi-space-size=4']
export const ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: '131072' }
