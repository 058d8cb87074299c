-- What every script has in common: its threads, what went wrong first, and the line that is read.
local threads = {}
function setup(thread)
  thread:set("number", #threads + 1)
  table.insert(threads, thread)
end
function begin() bad, flows, first = 0, 0, "" end
function failed(status, text)
  bad = bad + 1
  if first == "" then first = status .. " " .. text end
end
function done(summary, latency)
  local bad, flows, first = 0, 0, ""
  for _, thread in ipairs(threads) do
    bad, flows = bad + thread:get("bad"), flows + thread:get("flows")
    if thread:get("first") ~= "" then first = thread:get("first") end
  end
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d\n", flows, summary.duration,
    latency:percentile(50), latency:percentile(99), bad + lost))
  if first ~= "" then io.write("FIRST_BAD " .. string.gsub(first, "%s+", " ") .. "\n") end
end
