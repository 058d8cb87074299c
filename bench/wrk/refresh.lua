-- Each thread follows its own chain of refresh tokens. One connection per thread, so that answers
-- arrive in the order of the requests. BENCH_TOKENS names a file with one first token per line.
local threads = {}
function setup(thread)
  thread:set("number", #threads + 1)
  table.insert(threads, thread)
end
function init()
  bad, flows, first = 0, 0, ""
  local lines = {}
  for line in io.lines(os.getenv("BENCH_TOKENS")) do table.insert(lines, line) end
  token = lines[number]
  path, fixed = os.getenv("BENCH_PATH"), os.getenv("BENCH_BODY")
  sent = {
    ["Content-Type"] = "application/x-www-form-urlencoded",
    ["Accept"] = "application/json",
  }
end
function request()
  return wrk.format("POST", path, sent, fixed .. "&grant_type=refresh_token&refresh_token=" .. token)
end
function response(status, headers, text)
  local following = status == 200 and string.match(text, '"refresh_token":%s*"([^"]+)"')
  if following then
    token, flows = following, flows + 1
  else
    bad = bad + 1
    if first == "" then first = status .. " " .. text end
  end
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
