// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title A dollar without value, for a chain on one machine.
/// @notice Six decimals and transfers with authorization, as USDC has them. Anyone may mint.
contract TestUSD is ERC3009 {
    constructor() ERC20("Test USD", "TUSD") EIP712("Test USD", "1") {}

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    /// @notice The version in the EIP-712 domain that authorizations are signed for.
    function version() external pure returns (string memory) {
        return "1";
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
