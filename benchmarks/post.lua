-- wrk --script post.lua URL -- CONTENT_TYPE FILE...
-- Posts the files in turn. Ends with one line of JSON: counts, and latencies in microseconds.
local requests, turn = {}, 0

function init(args)
   wrk.headers["Content-Type"] = args[1]
   for i = 2, #args do
      local file = assert(io.open(args[i], "rb"))
      requests[#requests + 1] = wrk.format("POST", nil, nil, file:read("*a"))
      file:close()
   end
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end

function done(summary, latency, _)
   local e = summary.errors
   print(string.format('\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "max": %d, "errors":'
      .. ' {"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
      e.connect, e.read, e.write, e.timeout, e.status))
end
