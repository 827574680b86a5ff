-- wrk -s wrk.lua URL FILE THREADS STATUS: sends the requests of FILE (see bench/calls.py) in turn,
-- each thread its own part, and counts answers with another status as failed.

local threads = {}

function setup(thread)
   thread:set("part", #threads)
   table.insert(threads, thread)
end

function init(args)
   requests, failed, sent = {}, 0, 0
   wanted = tonumber(args[3])
   local file, number = assert(io.open(args[1], "rb")), 0
   while true do
      local length = file:read("*l")
      if not length then break end
      local raw = file:read(tonumber(length))
      if number % tonumber(args[2]) == part then requests[#requests + 1] = raw end
      number = number + 1
   end
   file:close()
end

function request()
   sent = sent + 1
   return requests[(sent - 1) % #requests + 1]
end

function response(status)
   if status ~= wanted then failed = failed + 1 end
end

function done(summary, latency)
   local errors = summary.errors
   local lost = errors.connect + errors.read + errors.write + errors.timeout
   for _, thread in ipairs(threads) do lost = lost + thread:get("failed") end
   io.write(string.format('RESULT {"requests": %d, "micros": %d, "failed": %d}\n',
      summary.requests, summary.duration, lost))
end
