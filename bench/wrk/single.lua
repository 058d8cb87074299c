-- The same request over and over. Environment: BENCH_METHOD, BENCH_PATH, BENCH_BODY, BENCH_AUTH,
-- and one header more: BENCH_HEADER, BENCH_VALUE.
dofile(os.getenv("BENCH_SCRIPTS") .. "/report.lua")
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

local header = os.getenv("BENCH_HEADER") or ""
if header ~= "" then wrk.headers[header] = os.getenv("BENCH_VALUE") end

function init() begin() end
function response(status, headers, text)
  if status == 200 then flows = flows + 1 else failed(status, text) end
end
