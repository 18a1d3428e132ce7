import CCurl
import Wire

/// A libcurl easy handle set up for one `Transfer`, with the list of headers that has to live as long.
///
/// Owned by the transfer thread.
@safe final class EasyHandle {
    let pointer: UnsafeMutableRawPointer
    let transfer: Transfer
    var address: UInt { unsafe UInt(bitPattern: pointer) }
    private var headerList: UnsafeMutablePointer<curl_slist>?

    init?(_ transfer: Transfer) {
        guard let pointer = unsafe curl_easy_init() else { return nil }
        unsafe self.pointer = unsafe pointer
        self.transfer = transfer
        setUp()
    }

    deinit {
        unsafe curl_easy_cleanup(pointer)
        unsafe curl_slist_free_all(headerList)
    }

    private func set(_ option: CURLoption, _ value: Int) { _ = unsafe adit_curl_setopt_long(pointer, option, value) }
    private func set(_ option: CURLoption, _ value: String) { _ = unsafe adit_curl_setopt_string(pointer, option, value) }
    private func set(_ option: CURLoption, _ callback: @escaping adit_curl_data_cb) { _ = unsafe adit_curl_setopt_data(pointer, option, callback) }

    private func setUp() {
        let request = transfer.request
        set(CURLOPT_URL, request.url)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_NOSIGNAL, 1)
        // A proxy named by the environment would see signed requests, and break the ones to loopback.
        set(CURLOPT_PROXY, "")
        set(CURLOPT_USERAGENT, "adit")
        set(CURLOPT_BUFFERSIZE, 256 << 10)
        set(CURLOPT_UPLOAD_BUFFERSIZE, 256 << 10)
        set(CURLOPT_TCP_NODELAY, 1)
        set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        set(CURLOPT_PATH_AS_IS, 1)
        setTimes(request.limits)
        setMethod(request)
        setHeaders(request)

        let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
        unsafe set(CURLOPT_HEADERFUNCTION, onHeader)
        _ = unsafe adit_curl_setopt_pointer(pointer, CURLOPT_HEADERDATA, context)
        unsafe set(CURLOPT_WRITEFUNCTION, onBody)
        _ = unsafe adit_curl_setopt_pointer(pointer, CURLOPT_WRITEDATA, context)
        unsafe set(CURLOPT_READFUNCTION, onSend)
        _ = unsafe adit_curl_setopt_pointer(pointer, CURLOPT_READDATA, context)
        _ = unsafe adit_curl_setopt_seek(pointer, onSeek)
        _ = unsafe adit_curl_setopt_pointer(pointer, CURLOPT_SEEKDATA, context)
    }

    private func setTimes(_ limits: HTTPLimits) {
        set(CURLOPT_CONNECTTIMEOUT_MS, limits.connect.wholeMilliseconds)
        if let total = limits.total { set(CURLOPT_TIMEOUT_MS, total.wholeMilliseconds) }
        if let stall = limits.stall {
            set(CURLOPT_LOW_SPEED_LIMIT, limits.stallBytesPerSecond)
            set(CURLOPT_LOW_SPEED_TIME, max(1, stall.wholeMilliseconds / 1_000))
        }
    }

    /// Goes on after a callback has said that its bytes must wait.
    func goOn() { _ = unsafe curl_easy_pause(pointer, CURLPAUSE_CONT) }

    /// What is slow by order does not stall while it moves at all.
    func isSlowByOrder() { if transfer.request.limits.stall != nil { set(CURLOPT_LOW_SPEED_LIMIT, 1) } }

    private func setMethod(_ request: HTTPRequest) {
        if request.method == .head { set(CURLOPT_NOBODY, 1) }
        if let body = request.body {
            set(CURLOPT_UPLOAD, 1)
            _ = unsafe adit_curl_setopt_off(pointer, CURLOPT_INFILESIZE_LARGE, curl_off_t(body.byteCount))
        } else if request.method == .post || request.method == .put {
            set(CURLOPT_UPLOAD, 1)
            _ = unsafe adit_curl_setopt_off(pointer, CURLOPT_INFILESIZE_LARGE, 0)
        }
        if request.method != .head && request.method != .get { set(CURLOPT_CUSTOMREQUEST, request.method.rawValue) }
    }

    private func setHeaders(_ request: HTTPRequest) {
        // An empty Expect keeps libcurl from waiting a second for "100 Continue".
        for line in ["Expect:"] + request.headers.map({ "\($0.name): \($0.value)" }) {
            guard let longer = unsafe curl_slist_append(headerList, line) else { continue }
            unsafe headerList = unsafe longer
        }
        _ = unsafe adit_curl_setopt_slist(pointer, CURLOPT_HTTPHEADER, headerList)
    }
}

extension Duration {
    /// Milliseconds, rounded up, from 1 to about 24 days.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        return max(1, Int(seconds) * 1_000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }
}

// MARK: C callbacks

private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    unsafe context.map { unsafe Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}

private let onHeader: adit_curl_data_cb = { data, size, count, context in
    guard let transfer = unsafe transfer(context) else { return 0 }
    return unsafe transfer.header(UnsafeRawBufferPointer(start: data, count: size * count)) ? size * count : 0
}

private let onBody: adit_curl_data_cb = { data, size, count, context in
    guard let transfer = unsafe transfer(context) else { return 0 }
    guard transfer.mayReceive else { return Int(CURL_WRITEFUNC_PAUSE) }
    return unsafe transfer.receive(UnsafeRawBufferPointer(start: data, count: size * count)) ? size * count : 0
}

private let onSend: adit_curl_data_cb = { data, size, count, context in
    guard let transfer = unsafe transfer(context) else { return Int(CURL_READFUNC_ABORT) }
    guard transfer.maySend else { return Int(CURL_READFUNC_PAUSE) }
    return unsafe transfer.fill(UnsafeMutableRawBufferPointer(start: data, count: size * count)) ?? Int(CURL_READFUNC_ABORT)
}

private let onSeek: adit_curl_seek_cb = { context, offset, origin in
    guard origin == 0, let transfer = unsafe transfer(context), transfer.seek(to: Int(offset)) else { return CURL_SEEKFUNC_CANTSEEK }
    return CURL_SEEKFUNC_OK
}
