-- The code flow of a signed-in user whose consent is remembered: authorize, then token, in turns.
-- One connection per thread. Environment: BENCH_AUTHORIZE (path and query), BENCH_PATH (token),
-- BENCH_BODY (client and verifier), BENCH_COOKIE.
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init()
  bad, flows, first, code = 0, 0, "", nil
  authorize, path, fixed = os.getenv("BENCH_AUTHORIZE"), os.getenv("BENCH_PATH"), os.getenv("BENCH_BODY")
  browser = { ["Cookie"] = os.getenv("BENCH_COOKIE"), ["Accept"] = "text/html" }
  client = {
    ["Content-Type"] = "application/x-www-form-urlencoded",
    ["Accept"] = "application/json",
  }
end
function request()
  if code == nil then return wrk.format("GET", authorize, browser) end
  return wrk.format("POST", path, client, fixed .. "&grant_type=authorization_code&code=" .. code)
end
local function failed(status, text)
  bad = bad + 1
  if first == "" then first = status .. " " .. text end
end
function response(status, headers, text)
  if code ~= nil then
    code = nil
    if status == 200 then flows = flows + 1 else failed(status, text) end
    return
  end
  for name, value in pairs(headers) do
    if string.lower(name) == "location" then code = string.match(value, "[?&]code=([^&]+)") end
  end
  if code == nil then failed(status, text) end
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
