// survey.c in C++: streams, containers and globals that need their constructors and destructors.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <dirent.h>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <poll.h>
#include <random>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <vector>

namespace {

// Filled before main and printed after it: a program that is entered in the middle shows here.
struct Report {
    std::ostringstream text;
    Report() { text << "arguments:"; }
    ~Report() { std::cout << text.str() << std::flush; }
} report;

std::string show(const std::string &bytes) {
    std::uint32_t sum = 0;
    for (unsigned char byte : bytes) sum = sum * 31 + byte;
    return std::to_string(bytes.size()) + " bytes, sum " + std::to_string(sum);
}

std::string contents(std::istream &&stream) { return {std::istreambuf_iterator<char>(stream), {}}; }

std::string first_line(const std::string &path) {
    errno = 0;
    std::ifstream file(path);
    std::string line;
    if (!file) return errno == ENOENT ? "absent" : "not readable";
    std::getline(file, line);
    return line;
}

std::string names_in(const char *path) {
    std::vector<std::string> names;
    DIR *directory = opendir(path);
    for (dirent *entry; directory != nullptr && (entry = readdir(directory)) != nullptr;) {
        if (entry->d_name[0] != '.') names.push_back(entry->d_name);
    }
    if (directory != nullptr) closedir(directory);
    std::sort(names.begin(), names.end());
    std::string all;
    for (const auto &name : names) all += ' ' + name;
    return all;
}

const char *try_clocks() {
    auto first = std::chrono::steady_clock::now(), second = std::chrono::steady_clock::now();
    return second >= first && std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) > 1704067200 ? "ok" : "wrong";
}

const char *try_poll() {
    pollfd input{0, POLLIN, 0};
    if (poll(&input, 1, 1000) != 1) return "standard input is not ready";
    auto before = std::chrono::steady_clock::now();
    timespec pause{0, 3000000};
    nanosleep(&pause, nullptr);
    return std::chrono::steady_clock::now() - before >= std::chrono::milliseconds(3) ? "ok" : "woke too early";
}

} // namespace

int main(int argc, char **argv) {
    auto &out = report.text;
    for (int at = 1; at < argc; at++) out << " [" << argv[at] << ']';
    out << "\nenvironment: [" << std::getenv("A") << "] [" << std::getenv("B") << "]\n";
    std::string input = contents(std::move(std::cin));
    out << "stdin: " << show(input) << '\n';
    out << "text: " << first_line("/data/greeting.txt") << '\n';
    out << "bytes: " << show(contents(std::ifstream("/data/deep/down/bytes.bin", std::ios::binary))) << '\n';
    out << "list:" << names_in("/data") << '\n';
    out << "missing: " << first_line("/data/none") << '\n';
    out << "before: " << first_line("/scratch/note.txt") << '\n';
    mkdir("/scratch", 0700);
    std::ofstream("/scratch/note.txt") << "noted" << std::endl;
    out << "after: " << first_line("/scratch/note.txt") << '\n';
    std::ofstream("/data/deep/down/bytes.bin", std::ios::app | std::ios::binary) << "more";
    out << "appended: " << show(contents(std::ifstream("/data/deep/down/bytes.bin", std::ios::binary))) << '\n';
    out << "clocks: " << try_clocks() << "\npoll: " << try_poll() << "\nrandom: ok\nnonce: " << std::hex << std::setfill('0');
    std::random_device device;
    for (int at = 0; at < 4; at++) out << std::setw(8) << device();
    out << '\n';
    std::cerr << "surveyed" << std::endl;
    return std::atoi(input.c_str());
}
