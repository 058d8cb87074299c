-- The code flow of a signed-in user whose consent is remembered: authorize, then token, in turns.
-- One connection per thread. Environment: BENCH_AUTHORIZE (path and query), BENCH_PATH (token),
-- BENCH_BODY (client and verifier), BENCH_COOKIE.
dofile(os.getenv("BENCH_SCRIPTS") .. "/report.lua")
function init()
  begin()
  code = nil
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
