-- Says what happened in one line of JSON.

function done(summary, latency, _)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '\nBENCH {"requests": %d, "seconds": %.6f, "refused": %d, "failed": %d, ' ..
    '"p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status, failed,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
