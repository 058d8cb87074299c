-- The same request over and over. Environment: BENCH_METHOD, BENCH_PATH, BENCH_BODY, BENCH_AUTH.
wrk.method = os.getenv("BENCH_METHOD") or "GET"
wrk.path = os.getenv("BENCH_PATH") or "/"
wrk.headers["Accept"] = "application/json"
local body = os.getenv("BENCH_BODY") or ""
if body ~= "" then
  wrk.body = body
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
end
local auth = os.getenv("BENCH_AUTH") or ""
if auth ~= "" then wrk.headers["Authorization"] = auth end

local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() bad, first = 0, "" end
function response(status, headers, text)
  if status ~= 200 then
    bad = bad + 1
    if first == "" then first = status .. " " .. text end
  end
end
function done(summary, latency)
  local bad, first = 0, ""
  for _, thread in ipairs(threads) do
    bad = bad + thread:get("bad")
    if thread:get("first") ~= "" then first = thread:get("first") end
  end
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), bad + lost))
  if first ~= "" then io.write("FIRST_BAD " .. string.gsub(first, "%s+", " ") .. "\n") end
end
